"""What a server does by itself is in the audit log."""

from __future__ import annotations

import json
import time

from flightline.releases.audit_log import verify
from flightline.releases.server_events import record_server_events


def test_events_of_this_server_are_kept_once_in_their_order(tmp_path):
    events = tmp_path / "events.jsonl"

    def happen(**event):
        with events.open("a") as file:
            file.write(json.dumps({"at": "2026-01-01T00:00:00Z", **event}) + "\n")

    happen(event="serving", current="1")  # of a server before
    with record_server_events(tmp_path, events):
        happen(event="release loaded", version="2")
        happen(event="serving", current="2")
        end = time.monotonic() + 30
        while not verify(tmp_path) and time.monotonic() < end:
            time.sleep(0.05)
        assert [one.event for one in verify(tmp_path)] == ["serving"]  # while it runs
        happen(event="canary taken back", version="3", reason="slow")
    assert [(one.event, one.facts) for one in verify(tmp_path)] == [
        ("serving", {"current": "2"}),
        ("canary taken back", {"version": "3", "reason": "slow"}),
    ]


def test_a_server_that_does_nothing_leaves_nothing(tmp_path):
    with record_server_events(tmp_path, tmp_path / "none.jsonl"):
        pass
    assert not (tmp_path / "audit.jsonl").exists()
