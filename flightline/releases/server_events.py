"""Copy the events of a running server to the audit log, which the server itself does not know."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from flightline.errors import FlightlineError
from flightline.releases import audit_log

AUDITED_EVENTS = {"serving", "release rejected", "canary rolled back"}
POLL_INTERVAL_S = 0.5


@contextlib.contextmanager
def record_server_events(workspace: Path, events: Path) -> Iterator[None]:
    """Record each event that the server appends to `events`, until the context is left.

    Raises:
        AuditLogCorrupted: when the context is left, if the audit log was edited.
    """
    start = events.stat().st_size if events.is_file() else 0
    reader, ended = _EventReader(workspace, events, start), threading.Event()

    def follow() -> None:
        while not ended.wait(POLL_INTERVAL_S):
            with contextlib.suppress(FlightlineError, OSError):  # raised at the end, where it is reported
                reader.read()

    thread = threading.Thread(target=follow, name="audit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        reader.read()


class _EventReader:
    def __init__(self, workspace: Path, events: Path, start: int) -> None:
        self._workspace = workspace
        self._events = events
        self._offset = start

    def read(self) -> None:
        """Record the complete new lines."""
        if not self._events.is_file():
            return
        with self._events.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                event = json.loads(line)
                facts = {name: value for name, value in event.items() if name not in ("time", "event")}
                if event["event"] in AUDITED_EVENTS:
                    audit_log.record(self._workspace, event["event"], **facts)
                self._offset += len(line)
