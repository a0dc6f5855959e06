"""Releases on trial beside the current one."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import UsageError
from pipeline.releases import release
from pipeline.trials import set_canary, set_shadow
from serving.watcher_files import Wanted, read_wanted


@pytest.fixture
def folder(tmp_path):
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        release(tmp_path / version, {})
    return tmp_path


def test_the_server_reads_what_is_written(folder):
    set_canary(folder, "1", 0.25)
    set_shadow(folder, "1")
    assert read_wanted(folder) == Wanted("2", "1", 0.25, "1")
    set_canary(folder, None, 0.0)
    set_shadow(folder, None)
    assert read_wanted(folder) == Wanted("2")


@pytest.mark.parametrize(("version", "share"), [("3", 0.1), ("2", 0.1), ("1", 0.0), ("1", 1.0), ("../x", 0.1)])
def test_what_cannot_be_on_trial_is_refused(folder, version, share):
    with pytest.raises(UsageError):
        set_canary(folder, version, share)
    assert not (folder / "CANARY").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": "1"}', '{"version": "1", "share": "x"}', "null"])
def test_a_file_that_says_nothing_sensible_asks_for_nothing(folder, text):
    (folder / "CANARY").write_text(text)
    assert read_wanted(folder) == Wanted("2")


def test_a_share_is_held_within_bounds(folder):
    (folder / "CANARY").write_text(json.dumps({"version": "1", "share": 7}))
    assert read_wanted(folder).share == 1.0
