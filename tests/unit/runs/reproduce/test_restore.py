"""Code, lock and data as they were: what is checked out, a worktree of the commit, or what is missing."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from dvc_layout import copy_to_cache
from dvc_layout import make_dvc_project as project_of_dvc

from flightline.metadata.provenance import CODE_DIGEST_PREFIX, Provenance
from flightline.runs.reproduce import restore
from flightline.runs.reproduce.restore import RestoreError, restore_code, restore_data
from flightline.utils.dvc import file_md5
from flightline.utils.hashing import file_digest
from scripts.repository import REPOSITORY

WHO = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with our code in it, taken for the one that is checked out."""
    folder = tmp_path / "project"
    for package in ("flightline", "pipeline", "models"):
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements.lock").write_text("tfx==1\n")
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


def git(folder, *words):
    return subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder):
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "some")
    return git(folder, "rev-parse", "HEAD")


def origin_of(folder, dirty=False):
    checkout = restore.Checkout(folder, sys.executable)
    script = [
        str(checkout.python),
        "-c",
        restore._DIGEST_SCRIPT,
        "flightline.runs.launch",
        "flightline.modeling.training",
    ]
    asked = subprocess.run(
        script, cwd=folder, env=restore.checkout_environment(checkout), capture_output=True, text=True, check=True
    )
    digests = {f"{CODE_DIGEST_PREFIX}{name}": digest for name, digest in json.loads(asked.stdout).items()}
    digests["lock"] = file_digest(folder / "requirements.lock")
    return Provenance(git(folder, "rev-parse", "HEAD"), dirty, 1, digests)


def test_the_present_checkout_is_used_if_its_code_is_the_same(project, tmp_path):
    (project / "README.md").write_text("an edit that no run executes")
    found = restore_code(origin_of(project), tmp_path / "code", set_up=False)
    assert found.folder == project
    assert not (tmp_path / "code").exists()


def test_another_commit_is_restored_in_a_worktree(project, tmp_path):
    origin = origin_of(project)
    with (project / "flightline" / "modeling" / "layers.py").open("a") as file:
        file.write("# edited\n")
    commit(project)
    found = restore_code(origin, tmp_path / "code", set_up=False)
    assert found.folder == tmp_path / "code"
    assert "# edited" not in (found.folder / "flightline" / "modeling" / "layers.py").read_text()
    restore.remove_worktree(tmp_path / "code")
    assert not (tmp_path / "code").exists()
    assert "code" not in git(project, "worktree", "list")


def test_a_project_in_a_subfolder_of_its_repository_is_found_in_the_worktree(project, tmp_path, monkeypatch):
    repository = tmp_path / "repository"
    shutil.rmtree(project / ".git")
    repository.mkdir()
    project.rename(repository / "project")
    monkeypatch.chdir(repository / "project")
    commit(repository)
    origin = origin_of(repository / "project")
    with (repository / "project" / "flightline" / "modeling" / "layers.py").open("a") as file:
        file.write("# edited\n")
    assert restore_code(origin, tmp_path / "code", set_up=False).folder == tmp_path / "code" / "project"


def test_code_with_uncommitted_edits_cannot_be_restored(project, tmp_path):
    layers = project / "flightline" / "modeling" / "layers.py"
    kept = layers.read_text()
    layers.write_text(kept + "# an experiment\n")
    origin = origin_of(project, dirty=True)
    layers.write_text(kept)
    with pytest.raises(RestoreError, match=r"flightline\.modeling\.trainer differs \(it had uncommitted edits\)"):
        restore_code(origin, tmp_path / "code", set_up=False)


def test_another_lock_is_an_error_without_set_up(project, tmp_path):
    origin = origin_of(project)
    (project / "requirements.lock").write_text("tfx==2\n")
    with pytest.raises(RestoreError, match=r"another requirements\.lock"):
        restore_code(origin, tmp_path / "code", set_up=False)


def test_data_files_are_linked_and_checked_against_their_digests(tmp_path):
    data = tmp_path / "data"
    (data / "span-01").mkdir(parents=True)
    (data / "span-01" / "a.csv").write_text("x\n1\n")
    (data / "span-02.csv").write_text("new since")
    inputs = {"span-01/a.csv": file_digest(data / "span-01" / "a.csv")}
    record = SimpleNamespace(
        config=SimpleNamespace(data=SimpleNamespace(input=str(data))), provenance=Provenance("c", False, 1)
    )
    record.provenance.inputs.update(inputs)
    restore_data(record, tmp_path / "from")
    restored = tmp_path / "from" / "data"
    assert [str(path.relative_to(restored)) for path in restored.rglob("*.csv")] == ["span-01/a.csv"]
    (data / "span-01" / "a.csv").unlink()
    with pytest.raises(RestoreError, match=r"a\.csv is gone; it had the SHA-256"):
        restore_data(record, tmp_path / "again")


def tracked_run(folder):
    """A run that read `data/months/01.csv`, which DVC tracks."""
    project_of_dvc(folder, {"months/01.csv": "x\n1\n"})
    path = folder / "data" / "months" / "01.csv"
    origin = Provenance(None, False, 1, inputs={"01.csv": file_digest(path)}, dvc={"01.csv": file_md5(path)})
    data = SimpleNamespace(input=str(path.parent))
    return SimpleNamespace(config=SimpleNamespace(data=data), provenance=origin), path


@pytest.mark.parametrize("now", ["another month\n", None])
def test_changed_data_come_from_dvc(tmp_path, now):
    record, path = tracked_run(tmp_path)
    copy_to_cache(tmp_path / ".cache" / "dvc-remote", tmp_path)
    path.unlink() if now is None else path.write_text(now)
    restore_data(record, tmp_path / "from")
    assert (tmp_path / "from" / "data" / "01.csv").read_text() == "x\n1\n"
    assert path.is_file() == (now is not None)  # nothing is put where the files of today are


def test_data_that_dvc_does_not_have_are_an_error(tmp_path):
    record, path = tracked_run(tmp_path)
    path.write_text("another month\n")
    with pytest.raises(RestoreError, match=r"has changed since.* DVC's MD5 \w{32}, which no readable cache") as error:
        restore_data(record, tmp_path / "from")
    assert "make data-pull" in str(error.value)
