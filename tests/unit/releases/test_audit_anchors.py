"""Heads of the audit log in other places show a log that was rewritten, deleted or replaced."""

from __future__ import annotations

import shutil

import pytest
from run_store import RunRecorder
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.metadata.store import open_store, save_run_properties
from flightline.releases import audit_log
from flightline.releases.audit_anchors import AUDIT_HEAD_PROPERTY, format_head

CONFIG = "configs/flights.yaml"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a log of four entries, of which run `a` kept the second and `b` the third."""
    folder = tmp_path / "workspace"
    recorder = RunRecorder(_store(folder))
    for run, events in (("a", ["run started", "run ended"]), ("b", ["run ended"])):
        recorder.run(run, {"ExampleGen": {"state": "COMPLETE"}})
        for event in events:
            entry = audit_log.record(folder, event, run=run)
        save_run_properties(open_store(_store(folder)), run, {AUDIT_HEAD_PROPERTY: format_head(entry)})
    audit_log.record(folder, "promoted", release="7")
    return folder


def _store(folder):
    folder.mkdir(exist_ok=True)
    return folder / "metadata.db"


def verify(workspace, *options):
    ended = CliRunner().invoke(
        app, ["audit", "--verify", "--config", CONFIG, "--set", f"workspace={workspace}", *options]
    )
    return ended.exit_code, ended.output


def rewrite(workspace, events):
    for name in (audit_log.LOG_FILE, audit_log.HEAD_FILE):
        (workspace / name).unlink()
    for event in events:
        audit_log.record(workspace, event, run="a")


def test_a_whole_log_is_verified_and_its_limits_are_said(workspace):
    code, said = verify(workspace)
    assert code == 0
    assert "2 heads kept outside the log agree with it" in said
    assert "entries 4 to 4 are newer than every kept head" in said


@pytest.mark.parametrize("events", [["run started", "run ended", "forged", "promoted"], ["run started"], []])
def test_a_log_with_correct_hashes_that_is_not_the_one_that_was_written_is_found(workspace, events):
    """Rewritten, shortened, or deleted together with its head."""
    rewrite(workspace, events)
    audit_log.record(workspace, "run started", run="c")  # the next ordinary event
    code, said = verify(workspace)
    assert code == 1
    assert "rewritten, deleted or replaced by an older copy: run a kept entry 2" in said


def test_an_older_pair_of_files_is_found(workspace, tmp_path):
    copies = [shutil.copy(workspace / name, tmp_path) for name in (audit_log.LOG_FILE, audit_log.HEAD_FILE)]
    anchor = tmp_path / "elsewhere.txt"
    audit_log.record(workspace, "rolled back", release="6")
    assert verify(workspace, "--anchor", str(anchor))[0] == 0
    assert anchor.read_text().startswith("5 ")
    for copy in copies:
        shutil.copy(copy, workspace)
    assert verify(workspace)[0] == 0  # no run has kept the newer head
    code, said = verify(workspace, "--anchor", str(anchor))
    assert code == 1
    assert "line 1 kept entry 5" in said
    assert "the log has 4 entries only" in said


def test_a_log_that_was_moved_away_knowingly_is_verified_from_its_first_run_on(workspace):
    rewrite(workspace, ["run started"])
    RunRecorder(workspace / "metadata.db").run("c", {"ExampleGen": {"state": "COMPLETE"}})
    entry = audit_log.record(workspace, "run ended", run="c")
    save_run_properties(open_store(workspace / "metadata.db"), "c", {AUDIT_HEAD_PROPERTY: format_head(entry)})
    assert verify(workspace)[0] == 1
    assert verify(workspace, "--since", "c")[0] == 0
    code, said = verify(workspace, "--since", "x")
    assert code == 2
    assert "run x kept no head" in said


def test_a_line_that_the_head_does_not_name_is_said(workspace):
    head = (workspace / audit_log.HEAD_FILE).read_text()
    audit_log.record(workspace, "promoted", release="9")
    (workspace / audit_log.HEAD_FILE).write_text(head)
    code, said = verify(workspace)
    assert code == 0
    assert "entry 5 is not in audit.head: its writer was killed, or somebody else added the line" in said
