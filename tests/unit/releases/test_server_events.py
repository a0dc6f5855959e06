"""Copying the server's events to the audit log."""

from __future__ import annotations

import json
import time

from flightline.releases.audit_log import verify
from flightline.releases.server_events import record_server_events


def test_server_events_are_recorded_once_and_in_order(tmp_path):
    events = tmp_path / "events.jsonl"

    def append_event(**event):
        with events.open("a") as file:
            file.write(json.dumps({"time": "2026-01-01T00:00:00Z", **event}) + "\n")

    append_event(event="serving", current="1")  # of an earlier server
    with record_server_events(tmp_path, events):
        append_event(event="release loaded", version="2")
        append_event(event="serving", current="2")
        end = time.monotonic() + 30
        while not verify(tmp_path) and time.monotonic() < end:
            time.sleep(0.05)
        assert [one.event for one in verify(tmp_path)] == ["serving"]  # while it runs
        append_event(event="canary rolled back", version="3", reason="slow")
    assert [(one.event, one.facts) for one in verify(tmp_path)] == [
        ("serving", {"current": "2"}),
        ("canary rolled back", {"version": "3", "reason": "slow"}),
    ]


def test_a_server_without_events_records_nothing(tmp_path):
    with record_server_events(tmp_path, tmp_path / "none.jsonl"):
        pass
    assert not (tmp_path / "audit.jsonl").exists()
