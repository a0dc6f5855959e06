"""The audit log: what changed production, who changed it and why, in a tamper-evident file.

`workspace/audit.jsonl` has a JSON line for each event, with the hash of the previous line. Editing, removing, inserting
or swapping lines breaks this chain. `audit.head` contains the number and hash of the last line, so that missing lines
at the end are detected as well. Someone who can write both files can recompute all hashes, delete both, or put back
older ones. That shows where a head was kept elsewhere: see `releases/audit_anchors.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flightline.errors import FlightlineError, mask_credentials
from flightline.utils.files import atomic_write, make_private_folder
from flightline.utils.user import current_user

LOG_FILE, HEAD_FILE, LOCK_FILE = "audit.jsonl", "audit.head", "audit.lock"
GENESIS_HASH = "0" * 64  # the previous hash of the first line
_CORRUPTED_ADVICE = f"compare it with a backup; if you move {LOG_FILE} and {HEAD_FILE} away, a new log is started"
UNCONFIRMED_EVENT = "unconfirmed line kept"
Fact = str | int | float | bool | None


class AuditLogCorrupted(FlightlineError):
    """The audit log was edited or damaged."""

    exit_code = 1


class AuditLogNotWritable(FlightlineError):
    """The audit log cannot be written: the disk is full, or another user owns the workspace."""

    exit_code = 1


@dataclass(frozen=True)
class AuditEntry:
    """One event.

    Attributes:
        sequence: 1 for the first entry.
        time: UTC, ISO 8601.
        event: what happened, such as "pushed" or "rolled back".
        user: user@host.
        facts: details of the event.
        previous_hash: hash of the previous entry.
        entry_hash: SHA-256 of all other fields.
    """

    sequence: int
    time: str
    event: str
    user: str
    facts: dict[str, Fact] = field(default_factory=dict)
    previous_hash: str = GENESIS_HASH
    entry_hash: str = ""

    def compute_hash(self) -> str:
        content = {key: value for key, value in asdict(self).items() if key != "entry_hash"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_line(self) -> str:
        return json.dumps(asdict(self), sort_keys=True) + "\n"


def record(workspace: Path, event: str, **facts: Fact) -> AuditEntry:
    """Append an event and sync it to disk. A lock serializes concurrent processes.

    An incomplete last line, left by a kill or a full disk, was never acknowledged: it is moved to `audit.torn`, which
    gets an entry of its own.

    Raises:
        AuditLogCorrupted: the last line or the head was edited; nothing is appended then.
        AuditLogNotWritable: the log cannot be written.
    """
    try:
        return _record(workspace, event, facts)
    except OSError as error:
        problem = f"the audit log in {workspace} cannot be written: {error.strerror or error}"
        raise AuditLogNotWritable(problem, "free disk space, or run this as the user who owns the workspace") from error


def _record(workspace: Path, event: str, facts: dict[str, Fact]) -> AuditEntry:
    make_private_folder(workspace)
    with _exclusive_lock(workspace):
        lines, torn = _read_lines(workspace)
        last = _read_last_entry(workspace, lines)
        if last is not None and _read_head(workspace)[0] < last.sequence:  # its writer was killed, or somebody added it
            last = _append_entry(workspace, last, UNCONFIRMED_EVENT, {"line": last.sequence})
        if torn:
            with (workspace / "audit.torn").open("ab") as removed:
                removed.write(torn + b"\n")
            os.truncate(workspace / LOG_FILE, sum(map(len, lines)))
            last = _append_entry(workspace, last, "torn line removed", {"bytes": len(torn)})
        return _append_entry(workspace, last, event, facts)


def read(workspace: Path) -> list[AuditEntry]:
    """The entries, oldest first, without verification.

    Raises:
        AuditLogCorrupted: a line is not an entry.
    """
    return [_parse_entry(line, sequence) for sequence, line in enumerate(_read_lines(workspace)[0], 1)]


def verify(workspace: Path) -> list[AuditEntry]:
    """Verify the chain of hashes and return the entries, oldest first.

    Raises:
        AuditLogCorrupted: a line was edited, removed, inserted or swapped; the message names the first one.
    """
    lines, torn = _read_lines(workspace)
    entries: list[AuditEntry] = []
    for sequence, line in enumerate(lines, 1):
        entry = _parse_entry(line, sequence)
        previous_hash = entries[-1].entry_hash if entries else GENESIS_HASH
        if entry.compute_hash() != entry.entry_hash or entry.to_line().encode() != line:
            raise _corrupted_at(sequence, "the content does not match its hash, so it was edited")
        if entry.sequence != sequence or entry.previous_hash != previous_hash:
            raise _corrupted_at(
                sequence, "it does not follow the previous line: lines were removed, inserted or swapped"
            )
        entries.append(entry)
    if torn:
        raise _corrupted_at(len(lines) + 1, "the line is incomplete: its writer was killed, or the disk was full")
    _verify_head(_read_head(workspace), entries[-1] if entries else None)
    return entries


def is_last_entry_confirmed(workspace: Path) -> bool:
    """Whether `audit.head` names the last entry; if not, its writer was killed, or somebody else added the line."""
    return _read_head(workspace)[0] == len(_read_lines(workspace)[0])


def _verify_head(head: tuple[int, str], last: AuditEntry | None) -> None:
    if head == (last.sequence if last else 0, last.entry_hash if last else GENESIS_HASH):
        return
    if last is not None and head == (last.sequence - 1, last.previous_hash):
        return  # the writer was killed after it wrote the line and before it wrote the head
    lines = last.sequence if last else 0
    if head[0] > lines:
        raise _corrupted_at(lines + 1, f"lines are missing at the end: according to {HEAD_FILE} there were {head[0]}")
    reason = f"{HEAD_FILE} names another line {head[0]}: the log was rewritten, or lines were added"
    raise _corrupted_at(max(head[0], 1), reason)


def _corrupted_at(sequence: int, reason: str) -> AuditLogCorrupted:
    return AuditLogCorrupted(f"{LOG_FILE} is corrupted at line {sequence}: {reason}", _CORRUPTED_ADVICE)


@contextlib.contextmanager
def _exclusive_lock(workspace: Path) -> Iterator[None]:
    with (workspace / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel releases it with the file, even if the process is killed
        yield


def _read_lines(workspace: Path) -> tuple[list[bytes], bytes]:
    """The complete lines of the log, and the rest after the last of them."""
    try:
        content = (workspace / LOG_FILE).read_bytes()
    except FileNotFoundError:
        return [], b""
    *lines, torn = content.split(b"\n")
    return [line + b"\n" for line in lines], torn


def _parse_entry(line: bytes, sequence: int) -> AuditEntry:
    try:
        content: dict[str, Any] = json.loads(line)
        return AuditEntry(**content)
    except (ValueError, TypeError) as error:
        raise _corrupted_at(sequence, "the line is not an audit entry, so it was edited") from error


def _read_last_entry(workspace: Path, lines: list[bytes]) -> AuditEntry | None:
    last = _parse_entry(lines[-1], len(lines)) if lines else None
    head = _read_head(workspace)
    if last is not None and (last.compute_hash() != last.entry_hash or last.sequence != len(lines)):
        raise _corrupted_at(len(lines), "the content does not match its hash, so it was edited")
    _verify_head(head, last)
    return last


def _append_entry(workspace: Path, last: AuditEntry | None, event: str, facts: dict[str, Fact]) -> AuditEntry:
    entry = AuditEntry(
        sequence=last.sequence + 1 if last else 1,
        time=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        event=event,
        user=current_user(),
        facts={name: mask_credentials(fact) if isinstance(fact, str) else fact for name, fact in facts.items()},
        previous_hash=last.entry_hash if last else GENESIS_HASH,
    )
    entry = replace(entry, entry_hash=entry.compute_hash())
    with (workspace / LOG_FILE).open("ab") as log:
        log.write(entry.to_line().encode())
        log.flush()
        os.fsync(log.fileno())
    atomic_write(workspace / HEAD_FILE, f"{entry.sequence} {entry.entry_hash}\n")
    return entry


def _read_head(workspace: Path) -> tuple[int, str]:
    """The sequence number and hash of the last entry; (0, GENESIS_HASH) for an empty log."""
    try:
        sequence, last_hash = (workspace / HEAD_FILE).read_text().split()
        return int(sequence), last_hash
    except FileNotFoundError:
        return 0, GENESIS_HASH
    except ValueError as error:
        raise AuditLogCorrupted(f"{HEAD_FILE} is corrupted", _CORRUPTED_ADVICE) from error
