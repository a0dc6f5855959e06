"""A run's folder: there with all that it needs, or not there."""

import os
import subprocess
import sys
import time

import pytest

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.runs.state import run_folder
from flightline.runs.state.run_folder import create_run_folder
from scripts.repository import REPOSITORY

FILES = {"key": "k", "provenance.json": "{}"}


@pytest.fixture
def config(tmp_path):
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path / "ws"), "data": {"input": "d"}}
    return Config.model_validate(raw)


def below(config):
    return sorted(str(path.relative_to(config.workspace)) for path in config.workspace.rglob("*"))


def test_the_folder_has_the_config_and_the_files(config):
    folder = create_run_folder(config, "r", files=FILES)
    assert folder == config.run_folder("r")
    assert below(config) == ["runs", "runs/r", "runs/r/config.yaml", "runs/r/key", "runs/r/provenance.json"]
    assert "name: flights" in (folder / "config.yaml").read_text()
    assert (folder / "key").read_text() == "k"


def test_a_run_id_can_be_used_once(config):
    folder = create_run_folder(config, "r", files=FILES)
    (folder / "key").write_text("of the first")
    with pytest.raises(UsageError, match="the run r already exists"):
        create_run_folder(config, "r", files=FILES)
    assert (folder / "key").read_text() == "of the first"
    assert below(config) == ["runs", "runs/r", "runs/r/config.yaml", "runs/r/key", "runs/r/provenance.json"]


def test_runs_of_the_same_second_have_different_ids(config):
    names = {create_run_folder(config, None, "06").name for _ in range(3)}
    assert len(names) == 3
    assert all("-span-06" in name for name in names)


KILLED = """
import json, os, sys
from flightline.runs.state import run_folder
from flightline.config.settings import Config

left, write = int(sys.argv[2]), run_folder.atomic_write
def killed_after_some(path, text):
    global left
    if not left:
        os._exit(9)
    write(path, text)
    left -= 1

run_folder.atomic_write, run_folder._move_into_place = killed_after_some, lambda *_: os._exit(9)
run_folder.create_run_folder(Config.model_validate_json(sys.argv[1]), "r", files={"key": "k", "provenance.json": "{}"})
"""


@pytest.mark.parametrize("written", range(4))
def test_a_start_that_is_killed_leaves_no_run_folder(config, written):
    """After no file, one, two, or all three of them: its name is free for the next."""
    command = [sys.executable, "-c", KILLED, config.model_dump_json(by_alias=True), str(written)]
    assert subprocess.run(command, cwd=REPOSITORY, check=False, timeout=60).returncode == 9
    assert not config.run_folder("r").exists()
    [left] = config.workspace.glob(".starting-*")
    assert len(list(left.iterdir())) == written
    long_ago = time.time() - 7200
    os.utime(left, (long_ago, long_ago))
    create_run_folder(config, "r", files=FILES)
    assert below(config) == ["runs", "runs/r", "runs/r/config.yaml", "runs/r/key", "runs/r/provenance.json"]


def test_a_full_disk_is_an_error_and_leaves_no_run_folder(config, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(run_folder, "atomic_write", full)
    with pytest.raises(UsageError, match=r"cannot be written.*No space left on device"):
        create_run_folder(config, "r", files=FILES)
    assert below(config) == []
