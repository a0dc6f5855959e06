"""The audit log: any edit is detected, and an incomplete line loses no acknowledged event."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.releases import audit_log
from flightline.releases.audit_log import (
    HEAD_FILE,
    LOG_FILE,
    UNCONFIRMED_EVENT,
    AuditLogCorrupted,
    record,
    verify,
)
from scripts.repository import REPOSITORY


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A log of five events, as bytes, and its head."""
    folder = tmp_path_factory.mktemp("audit")
    record(folder, "run started", run="a", config="1f")
    record(folder, "gate passed", run="a", findings=0)
    record(folder, "pushed", run="a", release="17", auc=0.94)
    record(folder, "rolled back", release="16", reason='"late" flights, naïvely\n— see #7')
    record(folder, "run started", run="b", config="2e")
    return (folder / LOG_FILE).read_bytes(), (folder / HEAD_FILE).read_bytes()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("edited")


def put(workspace, log, head):
    (workspace / LOG_FILE).write_bytes(log)
    (workspace / HEAD_FILE).write_bytes(head)


def test_recorded_events_are_read_back_in_order(written, workspace):
    put(workspace, *written)
    entries = verify(workspace)
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[3].facts == {"release": "16", "reason": '"late" flights, naïvely\n— see #7'}
    assert all("@" in entry.user and entry.time.endswith("+00:00") for entry in entries)
    assert all(json.loads(line) for line in written[0].splitlines())


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_detected(written, workspace, data):
    log, head = written
    place = data.draw(st.integers(0, len(log) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != log[place]))
    put(workspace, log[:place] + bytes([other]) + log[place + 1 :], head)
    with pytest.raises(AuditLogCorrupted):
        verify(workspace)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_removed_repeated_or_reordered_lines_are_detected(written, workspace, data):
    log, head = written
    lines = log.splitlines(keepends=True)
    others = data.draw(st.lists(st.sampled_from(lines), max_size=6).filter(lambda some: some != lines))
    put(workspace, b"".join(others), head)
    with pytest.raises(AuditLogCorrupted, match=f"{LOG_FILE} is corrupted at line"):
        verify(workspace)


def test_the_error_names_the_edited_line(written, workspace):
    log, head = written
    put(workspace, log.replace(b'"release": "17"', b'"release": "18"'), head)
    with pytest.raises(AuditLogCorrupted, match="line 3: the content does not match its hash"):
        verify(workspace)


def test_a_truncated_log_gets_no_new_entry(written, workspace):
    log, head = written
    put(workspace, b"".join(log.splitlines(keepends=True)[:-2]), head)
    with pytest.raises(AuditLogCorrupted, match="lines are missing at the end"):
        record(workspace, "pushed", release="19")


def test_an_incomplete_line_is_removed_and_recorded(written, workspace):
    log, head = written
    put(workspace, log + b'{"time": "2026', head)
    with pytest.raises(AuditLogCorrupted, match="line 6: the line is incomplete"):
        verify(workspace)
    record(workspace, "pushed", release="19")
    assert [entry.event for entry in verify(workspace)][-2:] == ["torn line removed", "pushed"]
    assert (workspace / "audit.torn").read_bytes() == b'{"time": "2026\n'


def test_a_writer_killed_before_it_wrote_the_head_does_not_corrupt_the_log(written, workspace):
    log, head = written
    put(workspace, log, head)
    record(workspace, "pushed", release="19")
    (workspace / HEAD_FILE).write_bytes(head)
    assert len(verify(workspace)) == 6
    assert not audit_log.is_last_entry_confirmed(workspace)
    record(workspace, "promoted", release="18")
    assert [entry.event for entry in verify(workspace)][-3:] == ["pushed", UNCONFIRMED_EVENT, "promoted"]
    assert audit_log.is_last_entry_confirmed(workspace)


@pytest.mark.parametrize("lines", [5, 4, 7])
def test_a_rewritten_log_with_correct_hashes_gets_no_new_entry_while_the_head_is_untouched(
    tmp_path, workspace, written, lines
):
    for number in range(lines):
        record(tmp_path, "forged", number=number)
    put(workspace, (tmp_path / LOG_FILE).read_bytes(), written[1])
    for action in (lambda: verify(workspace), lambda: record(workspace, "pushed", release="19")):
        with pytest.raises(AuditLogCorrupted, match=r"lines are missing at the end|the log was rewritten"):
            action()


RECORD_MANY = """
import sys
from pathlib import Path
from flightline.releases.audit_log import record
for number in range(25):
    record(Path(sys.argv[1]), "tick", number=number)
"""


def test_concurrent_processes_record_every_event(tmp_path):
    command = [sys.executable, "-c", RECORD_MANY, str(tmp_path)]
    writers = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(audit_log.verify(tmp_path)) == 75


def test_a_missing_log_is_empty(tmp_path):
    assert verify(tmp_path) == []
