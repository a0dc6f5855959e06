"""A change of production that survives a kill: recorded in a file first, then in the audit log, then made.

The order makes two things impossible: a change without an entry in the audit log, and half of a change. Whatever
takes the same lock next completes a change whose process was killed. If the audit log cannot be written, nothing
is changed.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flightline.errors import FlightlineError, UsageError
from flightline.releases import audit_log
from flightline.utils.files import atomic_write


@dataclass(frozen=True)
class AuditEvent:
    """What the audit log says about a change.

    Attributes:
        workspace: the folder of the log.
        event: such as "promoted".
        facts: details of the event.
    """

    workspace: Path
    event: str
    facts: Mapping[str, audit_log.Fact] = field(default_factory=dict)


def make_change(journal: Path, edits: Mapping[Path, str | None], audit: AuditEvent | None) -> None:
    """Write and delete files as one change. Call it with the lock of these files held, and none pending.

    Args:
        journal: the file that records the change while it is being made.
        edits: file → its new text; None to delete it.
        audit: the entry in the audit log; None for a change that is recorded elsewhere.

    Raises:
        FlightlineError: the audit log is corrupted or cannot be written; nothing was changed.
        UsageError: a file cannot be written; the next process completes the change.
    """
    folder = journal.parent
    change: dict[str, Any] = {
        "id": uuid.uuid4().hex[:12],
        "edits": {os.path.relpath(path, folder): text for path, text in edits.items()},
        "audit": None,
    }
    if audit is not None:
        place = os.path.relpath(audit.workspace, folder)
        change["audit"] = {"workspace": place, "event": audit.event, "facts": dict(audit.facts)}
    try:
        atomic_write(journal, json.dumps(change) + "\n")
    except OSError as error:
        raise _not_writable(journal, error, "nothing was changed") from error
    try:
        _record_in_audit_log(folder, change)
    except FlightlineError as error:
        journal.unlink()
        raise type(error)(f"nothing was changed: {error.problem}", error.fix) from error
    _edit_files(journal, change)


def complete_change(journal: Path) -> None:
    """Complete the change that a killed process had begun, if there is one. Can be repeated safely.

    Raises:
        UsageError: the journal is damaged, or a file cannot be written.
        FlightlineError: the audit log is corrupted or cannot be written; the change stays pending.
    """
    try:
        change = json.loads(journal.read_text(encoding="utf-8"))
        missing = {"id", "edits", "audit"} - set(change)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_writable(journal, error, "it records an interrupted change") from error
    except (ValueError, TypeError):
        missing = {"everything"}
    if missing:
        raise UsageError(f"{journal}, the record of an interrupted change, is damaged", "look at it, then remove it")
    _record_in_audit_log(journal.parent, change)
    _edit_files(journal, change)


def _record_in_audit_log(folder: Path, change: dict[str, Any]) -> None:
    """Record the change, unless the killed process did."""
    audit = change["audit"]
    if audit is None:
        return
    workspace = folder / audit["workspace"]
    if any(entry.facts.get("change") == change["id"] for entry in audit_log.read(workspace)):
        return
    audit_log.record(workspace, audit["event"], **audit["facts"], change=change["id"])


def _edit_files(journal: Path, change: dict[str, Any]) -> None:
    for name, text in change["edits"].items():
        path = journal.parent / name
        try:
            if text is None:
                path.unlink(missing_ok=True)
            else:
                atomic_write(path, text)
        except OSError as error:
            raise _not_writable(path, error, "the change is recorded, and the next command completes it") from error
    journal.unlink()


def _not_writable(path: Path, error: OSError, state: str) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror or error}; {state}",
        "free disk space, or run this as the user who owns the workspace",
    )
