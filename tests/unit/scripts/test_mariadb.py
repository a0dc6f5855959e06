"""Downloading MariaDB, and the errors where that is not possible."""

import sys

import pytest

from scripts import apt, mariadb
from scripts.job_server import ToolUnavailable


@pytest.mark.parametrize("words", [[], ["help"]])
def test_an_unknown_command_prints_the_usage(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mariadb", *words])
    assert mariadb.main() == 2
    assert "python -m scripts.mariadb setup" in capsys.readouterr().err


def test_without_debian_s_tools_it_exits_as_unavailable(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mariadb, "ENGINES_DIR", tmp_path / "engines")
    monkeypatch.setattr(sys, "argv", ["mariadb", "setup"])
    assert mariadb.main() == 75
    assert "flightline: no apt-get here" in capsys.readouterr().err
    assert not (tmp_path / "engines").exists()


def test_packages_are_unpacked_completely_or_not_at_all(monkeypatch, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "apt-get").write_text(
        "#!/bin/sh\n[ $2 = update ] || { : > half.deb; echo no such package >&2; exit 100; }\n"
    )
    (tools / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    with pytest.raises(ToolUnavailable, match="apt-get -qq failed: no such package"):
        apt.unpack_packages(["absent"], tmp_path / "home")
    assert not (tmp_path / "home").exists()
