"""One run at a time in a workspace: who holds it, and whether the last holder ended well."""

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

IN_USE_LOCK = "in_use"  # the lock in the folder of a scoring run or a repetition, while somebody is at work with it
_POLL_INTERVAL_S = 0.5


@dataclass(frozen=True)
class LockHolder:
    """Who works in a workspace.

    Attributes:
        pid, host: the process. what: what it does, "a run" or "gc". since: seconds since the epoch.
    """

    pid: int
    host: str
    what: str
    since: float

    def __str__(self) -> str:
        minutes, seconds = divmod(int(time.time() - self.since), 60)
        return f"{self.what} of process {self.pid} on {self.host}, for {minutes} min {seconds} s"


class LockHeld(UsageError):
    """Somebody else works in the workspace."""


@contextlib.contextmanager
def hold_lock(
    workspace: Path, name: str, what: str, wait_s: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[LockHolder | None]:
    """While entered, no other run of the pipeline `name` works in the workspace. Reading needs no lock.

    The system gives the lock back however its holder ends, so that a stale one does not keep anybody out; that its
    holder did not end well is yielded, for whoever clears up after it.

    Args:
        what: is done meanwhile, for others to be told.
        wait_s: how long to wait for somebody else, in seconds.
        say: is told once that there is something to wait for.

    Raises:
        Occupied: somebody else is at it still.
        UsageError: the workspace cannot be written.
    """
    try:
        make_private_folder(workspace)
        file = (workspace / f"{name}.lock").open("a+", encoding="utf-8")
    except OSError as error:
        todo = "mend `workspace` in the config, or its permissions"
        raise UsageError(f"the workspace {workspace} cannot be written: {error}", todo) from error
    with file:
        _acquire(file, wait_s, say)
        left = _read_holder(file)
        _write_holder(file, LockHolder(os.getpid(), socket.gethostname(), what, time.time()))
        try:
            yield left
        finally:
            _write_holder(file, None)


def is_locked(folder: Path, name: str) -> bool:
    """Whether somebody is `alone_in` a folder right now."""
    try:
        with (folder / f"{name}.lock").open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def find_lock_holder(folder: Path, name: str) -> LockHolder | None:
    """Who is `alone_in` a folder right now; None where nobody is, or has only just begun."""
    if not is_locked(folder, name):
        return None
    with (folder / f"{name}.lock").open("r", encoding="utf-8") as file:
        return _read_holder(file)


def _acquire(file: IO[str], wait_s: float, say: Callable[[str], None]) -> None:
    until, told = time.monotonic() + wait_s, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            holder = _read_holder(file)
            if time.monotonic() >= until:
                todo = "wait until it has ended, or give --wait SECONDS"
                raise LockHeld(f"the workspace is in use: {holder or 'by a process that just began'}", todo) from error
            if not told:
                say(f"waiting for {holder or 'a process that just began'}")
                told = True
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
