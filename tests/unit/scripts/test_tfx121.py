"""The Debian root for TFX 1.21: copying the checkout, entering the root, and errors; tests/tfx121 uses the root."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts import tfx121, tfx121_root
from scripts.job_server import ToolUnavailable


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository to be copied, with one file committed and one ignored; its copy has an environment already."""
    here = tmp_path / "checkout"
    here.mkdir()
    (here / ".gitignore").write_text(".venv/\n")
    (here / "a.py").write_text("a = 1\n")
    (here / ".venv").mkdir()
    (here / ".venv" / "of").write_text("this machine")
    subprocess.run(["git", "init", "--quiet", str(here)], check=True)
    subprocess.run(["git", "-C", str(here), "add", "a.py"], check=True)
    monkeypatch.setattr(tfx121, "REPOSITORY", here)
    monkeypatch.setattr(tfx121, "ROOT", tmp_path / "cache" / "root")
    copy = tmp_path / "cache" / "root" / "flightline"
    (copy / ".venv").mkdir(parents=True)
    (copy / ".venv" / "of").write_text("the other")
    return here, copy


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_copy_has_the_files_that_git_would_track_and_keeps_its_own(checkout):
    here, copy = checkout
    (here / "new.py").write_text("not added yet\n")
    tfx121.copy_checkout()
    assert files(copy) == {".gitignore", "a.py", "new.py", ".venv/of"}
    assert (copy / ".venv" / "of").read_text() == "the other"


def test_deleted_and_edited_files_are_updated_in_the_copy(checkout):
    here, copy = checkout
    (here / "new.py").write_text("not added yet\n")
    tfx121.copy_checkout()
    (copy / "made-there.txt").write_text("by a run")
    (here / "new.py").unlink()
    (here / "a.py").write_text("a = 2\n")
    tfx121.copy_checkout()
    assert files(copy) == {".gitignore", "a.py", "made-there.txt", ".venv/of"}
    assert (copy / "a.py").read_text() == "a = 2\n"


def test_the_root_gets_registry_settings_and_nothing_else_of_this_machine(monkeypatch):
    for name in ("PIP_CERT", "https_proxy", "PYTHONPATH", "VIRTUAL_ENV", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "/of/this/machine")
    command = tfx121_root.chroot_command("make", "test", "ARGS=-k 'a b'")
    assert {"PIP_CERT=/of/this/machine", "https_proxy=/of/this/machine", "HOME=/root"} < set(command)
    assert not [word for word in command if word.startswith(("PYTHONPATH", "VIRTUAL_ENV", "PIP_FIND_LINKS"))]
    assert command[-3:] == ["make", "test", "ARGS=-k 'a b'"]


def test_without_root_it_exits_as_unavailable(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert tfx121.main(["setup"]) == 75
    assert "flightline: a Debian root is built and entered as root" in capsys.readouterr().err


def test_without_debian_s_tools_the_error_names_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(tfx121_root.MIRROR_VARIABLE, raising=False)
    with pytest.raises(ToolUnavailable, match="no apt-get here"):
        tfx121_root._mirror()


def test_a_mirror_can_be_named(monkeypatch):
    monkeypatch.setenv(tfx121_root.MIRROR_VARIABLE, "file:///mirror")
    assert tfx121_root._mirror() == "file:///mirror"


@pytest.mark.parametrize("words", [[], ["help"], ["run"]])
def test_an_unknown_command_prints_the_usage(words, capsys):
    assert tfx121.main(words) == 2
    assert "python -m scripts.tfx121 setup" in capsys.readouterr().err
