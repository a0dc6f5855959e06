"""Work done in a process of its own that may take so long and so much memory, and no more; a crash is an answer."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock


@dataclass(frozen=True)
class Outcome:
    """What became of a piece of work.

    Attributes:
        answer: what it returned; None where it did not return.
        raised: the traceback of what it raised.
        ended: how its process ended, where not by itself: `timed out`, or the name of a signal.
        peak_mb: what it took of memory, beyond what its process had when it began.
    """

    answer: Any = None
    raised: str = ""
    ended: str = ""
    peak_mb: float = 0.0


class Sandbox:
    """Forks a process for each piece of work, off one that has imported `modules`; nothing of a test is in it."""

    def __init__(self, modules: list[str], seconds: float, memory_mb: int) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(modules)
        # A process has one such server, and who was first has said what it imports: another test, or Beam. Off theirs
        # each piece of work would import its modules anew, which takes seconds.
        forkserver._forkserver._stop()
        with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # where it finds them
            forkserver.ensure_running()
        self._seconds = seconds
        self._memory_mb = memory_mb

    def __call__(self, work: Callable[..., Any], *arguments: Any) -> Outcome:
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_run_limited, args=(there, self._memory_mb, work, arguments))
        process.start()
        there.close()
        ended = "" if here.poll(self._seconds) else "timed out"
        answer: Any = None
        if not ended:
            with contextlib.suppress(EOFError):  # it died: its exit code says how
                answer = here.recv()
        else:
            process.kill()
        process.join()
        if answer is not None:
            return Outcome(*answer)
        return Outcome(ended=ended or signal.Signals(-(process.exitcode or 0)).name)


def _run_limited(answers: Connection, memory_mb: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    before = _proc_status_bytes("VmRSS")
    limit = _proc_status_bytes("VmSize") + (memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    answer, raised = None, ""
    try:
        answer = work(*arguments)
    except BaseException:
        raised = traceback.format_exc()
    answers.send((answer, raised, "", (_proc_status_bytes("VmHWM") - before) / (1 << 20)))


def _proc_status_bytes(key: str) -> int:
    """Bytes, as the kernel counts them for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{key}:"))


def numbered_names(name: str, times: int) -> Iterator[str]:
    """Names for so many cases of a kind."""
    return (f"{name} {number}" if times > 1 else name for number in range(times))
