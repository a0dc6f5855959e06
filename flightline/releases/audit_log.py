"""The audit log: what changed production, by whom and why, in a file that shows if it was edited.

`workspace/audit.jsonl` has a JSON line for each event, in order, and each carries the hash of the line before. Whoever
edits, removes, inserts or swaps lines breaks the chain from there on. That lines are missing at the end shows by
`audit.head` beside it, which holds the number and hash of the last one. Somebody who may write both files and
recomputes every hash is not found out: for that, keep the head elsewhere too (`flightline audit --json` prints it).
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flightline.errors import FlightlineError
from flightline.utils.files import atomic_write, make_private_folder

LOG_FILE, HEAD_FILE, LOCK_FILE = "audit.jsonl", "audit.head", "audit.lock"
GENESIS_HASH = "0" * 64  # what the first line has for the hash of the line before
TODO = f"compare it with a backup; with {LOG_FILE} and {HEAD_FILE} moved away, a new log begins"
Fact = str | int | float | bool | None


class AuditLogCorrupted(FlightlineError):
    """The audit log is not what was written."""

    exit_code = 1


@dataclass(frozen=True)
class AuditEntry:
    """One event.

    Attributes:
        number: 1 for the first.
        at: when, UTC, ISO 8601.
        event: what happened, in a few words: "pushed", "rolled back".
        by: user@host.
        facts: what it was about.
        previous: hash of the entry before.
        hash: SHA-256 of all the others.
    """

    number: int
    at: str
    event: str
    by: str
    facts: dict[str, Fact] = field(default_factory=dict)
    previous: str = GENESIS_HASH
    hash: str = ""

    def hashed(self) -> str:
        content = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_line(self) -> str:
        return json.dumps(asdict(self), sort_keys=True) + "\n"


def record(workspace: Path, event: str, **facts: Fact) -> AuditEntry:
    """Appends an event, on disk when this returns. Processes that record at once wait for each other.

    A last line that was torn by a kill or a full disk was never acknowledged: it is moved to `audit.torn`, and the
    log says so in an entry of its own.

    Raises:
        AuditBroken: the last line, or the head, is not what was written: nothing is appended to such a log.
        OSError: the workspace cannot be written.
    """
    make_private_folder(workspace)
    with _exclusive_lock(workspace):
        lines, torn = _read_lines(workspace)
        last = _read_last_entry(workspace, lines)
        if torn:
            with (workspace / "audit.torn").open("ab") as kept:
                kept.write(torn + b"\n")
            os.truncate(workspace / LOG_FILE, sum(map(len, lines)))
            last = _append_entry(workspace, last, "torn line set aside", {"bytes": len(torn)})
        return _append_entry(workspace, last, event, facts)


def read(workspace: Path) -> list[AuditEntry]:
    """The entries, oldest first, none of them verified.

    Raises:
        AuditBroken: a line is not an entry.
    """
    return [_parse_entry(line, number) for number, line in enumerate(_read_lines(workspace)[0], 1)]


def verify(workspace: Path) -> list[AuditEntry]:
    """The entries, if all is as it was written.

    Raises:
        AuditBroken: naming the first line that is not.
    """
    lines, torn = _read_lines(workspace)
    entries: list[AuditEntry] = []
    for number, line in enumerate(lines, 1):
        entry = _parse_entry(line, number)
        if entry.hashed() != entry.hash or entry.to_line().encode() != line:
            raise _corrupted_at(number, "its content does not fit its hash: it was edited")
        if entry.number != number or entry.previous != (entries[-1].hash if entries else GENESIS_HASH):
            raise _corrupted_at(number, "it does not follow the line before: lines were removed, inserted or swapped")
        entries.append(entry)
    if torn:
        raise _corrupted_at(len(lines) + 1, "it is torn: its writer was killed, or the disk was full")
    head = _read_head(workspace)
    last = entries[-1] if entries else None
    if head != (last.number if last else 0, last.hash if last else GENESIS_HASH) and not _head_lags_by_one(
        head, entries
    ):
        raise _corrupted_at(len(lines) + 1, f"lines are missing at the end: {HEAD_FILE} says there were {head[0]}")
    return entries


def _head_lags_by_one(head: tuple[int, str], entries: list[AuditEntry]) -> bool:
    """Whether the log has one line more than the head: its writer was killed between the two."""
    return bool(entries) and head == (entries[-1].number - 1, entries[-1].previous)


def _corrupted_at(number: int, why: str) -> AuditLogCorrupted:
    return AuditLogCorrupted(
        f"{LOG_FILE} is broken at line {number}: {why}", "compare it with a backup; moved away, a new one begins"
    )


@contextlib.contextmanager
def _exclusive_lock(workspace: Path) -> Iterator[None]:
    with (workspace / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released with the file, however the process ends
        yield


def _read_lines(workspace: Path) -> tuple[list[bytes], bytes]:
    """The lines of the log, and what stands behind the last whole one."""
    try:
        content = (workspace / LOG_FILE).read_bytes()
    except FileNotFoundError:
        return [], b""
    *lines, torn = content.split(b"\n")
    return [line + b"\n" for line in lines], torn


def _parse_entry(line: bytes, number: int) -> AuditEntry:
    try:
        kept: dict[str, Any] = json.loads(line)
        return AuditEntry(**kept)
    except (ValueError, TypeError) as error:
        raise _corrupted_at(number, "it is not an entry: it was edited") from error


def _read_last_entry(workspace: Path, lines: list[bytes]) -> AuditEntry | None:
    last = _parse_entry(lines[-1], len(lines)) if lines else None
    head = _read_head(workspace)
    if last is not None and (last.hashed() != last.hash or last.number != len(lines)):
        raise _corrupted_at(len(lines), "its content does not fit its hash: it was edited")
    if head[0] not in (len(lines), len(lines) - 1):
        raise _corrupted_at(len(lines) + 1, f"lines are missing at the end: {HEAD_FILE} says there were {head[0]}")
    return last


def _append_entry(workspace: Path, last: AuditEntry | None, event: str, facts: dict[str, Fact]) -> AuditEntry:
    entry = AuditEntry(
        number=last.number + 1 if last else 1,
        at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        event=event,
        by=f"{getpass.getuser()}@{socket.gethostname()}",
        facts=facts,
        previous=last.hash if last else GENESIS_HASH,
    )
    entry = AuditEntry(**{**asdict(entry), "hash": entry.hashed()})
    with (workspace / LOG_FILE).open("ab") as log:
        log.write(entry.to_line().encode())
        log.flush()
        os.fsync(log.fileno())
    atomic_write(workspace / HEAD_FILE, f"{entry.number} {entry.hash}\n")
    return entry


def _read_head(workspace: Path) -> tuple[int, str]:
    """Number and hash of the last entry; (0, START) before the first."""
    try:
        number, last_hash = (workspace / HEAD_FILE).read_text().split()
        return int(number), last_hash
    except FileNotFoundError:
        return 0, GENESIS_HASH
    except ValueError as error:
        raise AuditLogCorrupted(
            f"{HEAD_FILE} is not what was written: it was edited",
            "compare it with a backup; moved away with the log, a new one begins",
        ) from error
