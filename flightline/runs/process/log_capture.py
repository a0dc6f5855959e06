"""One log file a run: everything that the process and its children write goes there, and only we write to the screen.

TensorFlow, absl and Beam write to the file descriptors from C++ and from threads, so it is the descriptors that are
turned to the file, not Python's streams.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Terminal:
    """The streams that the user sees."""

    out: TextIO
    err: TextIO


@contextlib.contextmanager
def capture_output(path: Path) -> Iterator[Terminal]:
    """While entered, descriptors 1 and 2 are the log at `path`; yields the streams of before.

    Raises:
        OSError: the file cannot be opened for appending; nothing has been turned then.
    """
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    out, err = (os.fdopen(os.dup(fd), "w", encoding="utf-8", errors="replace") for fd in kept)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield Terminal(out, err)
    finally:
        for stream in (sys.stdout, sys.stderr, out, err):
            with contextlib.suppress(BrokenPipeError, ValueError):
                stream.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for fd in kept:
            os.close(fd)
        for stream in (out, err):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def silence_output() -> None:
    """For the very end of a process: what libraries write while they are torn down is nobody's news."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def quiet_libraries() -> None:
    """What TensorFlow asks of the environment before it is imported; a value that the user set stays."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
