import shutil
import subprocess

import pytest

from flightline.metadata.provenance import Provenance, git_commit, read_provenance


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_commit_and_uncommitted_changes(tmp_path):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    (tmp_path / "code.py").write_text("a = 1")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    commit, dirty = git_commit(tmp_path)
    assert len(commit) == 40
    assert not dirty
    (tmp_path / "code.py").write_text("a = 2")
    assert git_commit(tmp_path) == (commit, True)
    (tmp_path / "environment").mkdir()
    assert git_commit(tmp_path / "environment") == (None, False)  # git does not track it


def test_no_commit_outside_git(tmp_path):
    assert git_commit(tmp_path) == (None, False)


def test_missing_provenance_is_none(tmp_path):
    assert read_provenance(tmp_path) is None
    (tmp_path / "provenance.json").write_text('{"commit": null, "dirty": false, "input_file_count": 1}')
    assert read_provenance(tmp_path) == Provenance(None, False, 1)
