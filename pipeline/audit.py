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

from pipeline.errors import FlightlineError
from pipeline.permissions import make_closed
from pipeline.releases import write_whole

LOG, HEAD, LOCK = "audit.jsonl", "audit.head", "audit.lock"
START = "0" * 64  # what the first line has for the hash of the line before
TODO = f"compare it with a backup; with {LOG} and {HEAD} moved away, a new log begins"
Fact = str | int | float | bool | None


class AuditBroken(FlightlineError):
    """The audit log is not what was written."""

    exit_code = 1


@dataclass(frozen=True)
class Entry:
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
    previous: str = START
    hash: str = ""

    def hashed(self) -> str:
        content = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_line(self) -> str:
        return json.dumps(asdict(self), sort_keys=True) + "\n"


def record(workspace: Path, event: str, **facts: Fact) -> Entry:
    """Appends an event, on disk when this returns. Processes that record at once wait for each other.

    A last line that was torn by a kill or a full disk was never acknowledged: it is moved to `audit.torn`, and the
    log says so in an entry of its own.

    Raises:
        AuditBroken: the last line, or the head, is not what was written: nothing is appended to such a log.
        OSError: the workspace cannot be written.
    """
    make_closed(workspace)
    with _alone(workspace):
        lines, torn = _lines(workspace)
        last = _last(workspace, lines)
        if torn:
            with (workspace / "audit.torn").open("ab") as kept:
                kept.write(torn + b"\n")
            os.truncate(workspace / LOG, sum(map(len, lines)))
            last = _append(workspace, last, "torn line set aside", {"bytes": len(torn)})
        return _append(workspace, last, event, facts)


def read(workspace: Path) -> list[Entry]:
    """The entries, oldest first, none of them verified.

    Raises:
        AuditBroken: a line is not an entry.
    """
    return [_entry(line, number) for number, line in enumerate(_lines(workspace)[0], 1)]


def verify(workspace: Path) -> list[Entry]:
    """The entries, if all is as it was written.

    Raises:
        AuditBroken: naming the first line that is not.
    """
    lines, torn = _lines(workspace)
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        entry = _entry(line, number)
        if entry.hashed() != entry.hash or entry.to_line().encode() != line:
            raise _broken(number, "its content does not fit its hash: it was edited")
        if entry.number != number or entry.previous != (entries[-1].hash if entries else START):
            raise _broken(number, "it does not follow the line before: lines were removed, inserted or swapped")
        entries.append(entry)
    if torn:
        raise _broken(len(lines) + 1, "it is torn: its writer was killed, or the disk was full")
    head = _head(workspace)
    last = entries[-1] if entries else None
    if head != (last.number if last else 0, last.hash if last else START) and not _one_ahead(head, entries):
        raise _broken(len(lines) + 1, f"lines are missing at the end: {HEAD} says there were {head[0]}")
    return entries


def _one_ahead(head: tuple[int, str], entries: list[Entry]) -> bool:
    """Whether the log has one line more than the head: its writer was killed between the two."""
    return bool(entries) and head == (entries[-1].number - 1, entries[-1].previous)


def _broken(number: int, why: str) -> AuditBroken:
    return AuditBroken(
        f"{LOG} is broken at line {number}: {why}", "compare it with a backup; moved away, a new one begins"
    )


@contextlib.contextmanager
def _alone(workspace: Path) -> Iterator[None]:
    with (workspace / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released with the file, however the process ends
        yield


def _lines(workspace: Path) -> tuple[list[bytes], bytes]:
    """The lines of the log, and what stands behind the last whole one."""
    try:
        content = (workspace / LOG).read_bytes()
    except FileNotFoundError:
        return [], b""
    *lines, torn = content.split(b"\n")
    return [line + b"\n" for line in lines], torn


def _entry(line: bytes, number: int) -> Entry:
    try:
        kept: dict[str, Any] = json.loads(line)
        return Entry(**kept)
    except (ValueError, TypeError) as error:
        raise _broken(number, "it is not an entry: it was edited") from error


def _last(workspace: Path, lines: list[bytes]) -> Entry | None:
    last = _entry(lines[-1], len(lines)) if lines else None
    head = _head(workspace)
    if last is not None and (last.hashed() != last.hash or last.number != len(lines)):
        raise _broken(len(lines), "its content does not fit its hash: it was edited")
    if head[0] not in (len(lines), len(lines) - 1):
        raise _broken(len(lines) + 1, f"lines are missing at the end: {HEAD} says there were {head[0]}")
    return last


def _append(workspace: Path, last: Entry | None, event: str, facts: dict[str, Fact]) -> Entry:
    entry = Entry(
        number=last.number + 1 if last else 1,
        at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        event=event,
        by=f"{getpass.getuser()}@{socket.gethostname()}",
        facts=facts,
        previous=last.hash if last else START,
    )
    entry = Entry(**{**asdict(entry), "hash": entry.hashed()})
    with (workspace / LOG).open("ab") as log:
        log.write(entry.to_line().encode())
        log.flush()
        os.fsync(log.fileno())
    write_whole(workspace / HEAD, f"{entry.number} {entry.hash}\n")
    return entry


def _head(workspace: Path) -> tuple[int, str]:
    """Number and hash of the last entry; (0, START) before the first."""
    try:
        number, of_last = (workspace / HEAD).read_text().split()
        return int(number), of_last
    except FileNotFoundError:
        return 0, START
    except ValueError as error:
        raise AuditBroken(
            f"{HEAD} is not what was written: it was edited",
            "compare it with a backup; moved away with the log, a new one begins",
        ) from error
