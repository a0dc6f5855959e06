"""DVC itself, on a clone of a project: pointers, cache and remote are what our own reading of them takes them for."""

import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

from flightline.utils.dvc import DVC_EXECUTABLE, fetch_file, file_md5, tracked_md5s
from flightline.utils.hashing import file_digest
from flightline.utils.storage import find_files
from scripts.dvc import main
from scripts.repository import REPOSITORY

WHO = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


@pytest.fixture
def dvc(monkeypatch):
    """`dvc(folder, *words)`, as the Makefile calls it."""

    def command(folder, *words):
        monkeypatch.chdir(folder)
        assert main(list(words)) == 0

    return command


def git(folder, *words):
    return subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path, dvc):
    """A repository with this project's settings, whose first commit tracks a month, pushed to the remote."""
    folder = tmp_path / "project"
    (folder / "data" / "months").mkdir(parents=True)
    shutil.copytree(REPOSITORY / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    (folder / ".gitignore").write_text("data/months/\n.cache/\n")
    (folder / "data" / "months" / "01.csv").write_text("a\n1\n")
    git(folder, "init", "-q")
    dvc(folder, "add", "--quiet", "data/months")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a month")
    dvc(folder, "push", "--quiet")
    return folder


def test_the_pointer_of_the_flights_is_the_one_that_dvc_writes(flights_year, project, dvc):
    shutil.copytree(flights_year, project / "data" / "flights")
    (project / ".gitignore").write_text("data/flights/\n")
    dvc(project, "add", "--quiet", "data/flights")
    written, ours = (yaml.safe_load((root / "data" / "flights.dvc").read_text()) for root in (project, REPOSITORY))
    assert written == ours


def test_the_settings_keep_everything_below_the_project_and_out_of_git(project):
    assert (project / ".cache" / "dvc-remote" / "files" / "md5").is_dir()
    assert sorted(git(project, "ls-files").split()) == [
        ".dvc/.gitignore",
        ".dvc/config",
        ".gitignore",
        "data/months.dvc",
    ]


def test_the_dvc_version_of_the_data_is_recorded_and_restored_later(project, dvc):
    path = project / "data" / "months" / "01.csv"
    noted, sha256 = tracked_md5s(find_files(str(path.parent), "*.csv")), file_digest(path)
    assert noted == {"01.csv": file_md5(path)}
    path.write_text("a\n1\n2\n")
    dvc(project, "add", "--quiet", "data/months")
    git(project, "commit", "-q", "-a", "-m", "corrected")
    dvc(project, "push", "--quiet")
    shutil.rmtree(project / ".dvc" / "cache")
    found = fetch_file(path, noted["01.csv"], sha256, None, project / "into")
    assert found is not None
    assert found.read_text() == "a\n1\n"
    dvc(project, "pull", "--quiet")
    assert path.read_text() == "a\n1\n2\n"
    assert tracked_md5s(find_files(str(path.parent), "*.csv")) == {"01.csv": file_md5(path)}


def test_data_outside_the_cache_are_fetched_with_dvc(project, dvc, tmp_path):
    """A remote behind HTTP: only DVC reads it, by the pointer of the commit, also after a later one moved on."""
    path = project / "data" / "months" / "01.csv"
    md5, sha256, commit = file_md5(path), file_digest(path), git(project, "rev-parse", "HEAD")
    shutil.rmtree(project / ".dvc" / "cache")
    remote = shutil.move(project / ".cache" / "dvc-remote", tmp_path / "elsewhere")
    handler = partial(SimpleHTTPRequestHandler, directory=remote)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (project / ".dvc" / "config.local").write_text(f"['remote \"local\"']\n    url = {url}\n")
        path.write_text("another month\n")
        dvc(project, "add", "--quiet", "data/months")
        git(project, "commit", "-q", "-a", "-m", "moved on")
        shutil.rmtree(project / ".dvc" / "cache")
        assert fetch_file(path, md5, sha256, commit, tmp_path / "into") is None  # DVC is not there to be asked
        (project / DVC_EXECUTABLE).parent.mkdir(parents=True)
        (project / DVC_EXECUTABLE).symlink_to(REPOSITORY / DVC_EXECUTABLE)
        found = fetch_file(path, md5, sha256, commit, tmp_path / "into")
        server.shutdown()
    assert found == tmp_path / "into"
    assert found.read_text() == "a\n1\n"
    assert path.read_text() == "another month\n"
