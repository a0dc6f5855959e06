"""Lock files: one holder at a time, who it is, and whether the previous holder was killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from flightline.errors import UsageError
from flightline.utils.files import make_private_folder

IN_USE_LOCK = (
    "in_use"  # name of the lock in the folder of a scoring run, a monitoring run or a reproduction while it is in use
)
_POLL_INTERVAL_S = 0.5


@dataclass(frozen=True)
class LockHolder:
    """The process that holds a lock.

    Attributes:
        pid: its process id.
        host: its machine.
        activity: what it does, such as "a run" or "gc".
        since: when it acquired the lock, seconds since the epoch.
    """

    pid: int
    host: str
    activity: str
    since: float

    def __str__(self) -> str:
        minutes, seconds = divmod(int(time.time() - self.since), 60)
        return f"{self.activity} of process {self.pid} on {self.host}, for {minutes} min {seconds} s"


class LockHeld(UsageError):
    """Another process holds the lock."""


@contextlib.contextmanager
def hold_lock(
    workspace: Path, name: str, activity: str, wait_s: float = 0.0, report: Callable[[str], None] = print
) -> Iterator[LockHolder | None]:
    """Hold the lock `name` of a workspace while entered. Reading needs no lock.

    The system releases the lock when its holder ends, however it ends, so a killed process does not block others.

    Args:
        activity: what the lock is held for, shown to others.
        wait_s: seconds to wait for another holder.
        report: called once with a message if there is another holder to wait for.

    Yields:
        The previous holder, if it was killed; else None.

    Raises:
        LockHeld: another process holds the lock.
        UsageError: the workspace cannot be written.
    """
    try:
        make_private_folder(workspace)
        file = (workspace / f"{name}.lock").open("a+", encoding="utf-8")
    except OSError as error:
        fix = "fix `workspace` in the config, or the folder's permissions"
        raise UsageError(f"the workspace {workspace} cannot be written: {error}", fix) from error
    with file:
        _acquire(file, wait_s, report)
        killed_holder = _read_holder(file)
        _write_holder(file, LockHolder(os.getpid(), socket.gethostname(), activity, time.time()))
        try:
            yield killed_holder
        finally:
            _write_holder(file, None)


def is_locked(folder: Path, name: str) -> bool:
    """Whether a process holds the lock `name` of a folder."""
    try:
        with (folder / f"{name}.lock").open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def find_lock_holder(folder: Path, name: str) -> LockHolder | None:
    """Return the holder of the lock `name` of a folder; None without one, or if it has only just acquired it."""
    if not is_locked(folder, name):
        return None
    with (folder / f"{name}.lock").open("r", encoding="utf-8") as file:
        return _read_holder(file)


def _acquire(file: IO[str], wait_s: float, report: Callable[[str], None]) -> None:
    until, reported = time.monotonic() + wait_s, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            holder = _read_holder(file)
            if time.monotonic() >= until:
                fix = "wait until it has ended, or set --wait SECONDS"
                raise LockHeld(f"the workspace is in use by {holder or 'a process that just started'}", fix) from error
            if not reported:
                report(f"waiting for {holder or 'a process that just started'}")
                reported = True
            time.sleep(_POLL_INTERVAL_S)


def _read_holder(file: IO[str]) -> LockHolder | None:
    file.seek(0)
    with contextlib.suppress(ValueError, TypeError):
        return LockHolder(**json.loads(file.read()))
    return None


def _write_holder(file: IO[str], holder: LockHolder | None) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(asdict(holder)) if holder else "")
    file.flush()
