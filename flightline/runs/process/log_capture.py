"""One log file per run: everything that the process and its children print goes there, instead of to the terminal.

TensorFlow, absl and Beam write to the file descriptors from C++ and from threads. Therefore the descriptors are
redirected, not Python's streams.
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
    """The streams of the user's terminal."""

    out: TextIO
    err: TextIO


@contextlib.contextmanager
def capture_output(path: Path) -> Iterator[Terminal]:
    """While entered, redirect descriptors 1 and 2 to the log at `path`; yield the original streams.

    Raises:
        OSError: the file cannot be opened for appending; nothing is redirected.
    """
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    originals = [os.dup(1), os.dup(2)]
    out, err = (os.fdopen(os.dup(fd), "w", encoding="utf-8", errors="replace") for fd in originals)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield Terminal(out, err)
    finally:
        for stream in (sys.stdout, sys.stderr, out, err):
            with contextlib.suppress(BrokenPipeError, ValueError):
                stream.flush()
        os.dup2(originals[0], 1)
        os.dup2(originals[1], 2)
        for fd in originals:
            os.close(fd)
        for stream in (out, err):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def silence_output() -> None:
    """Discard all further output: at the end of a process libraries print messages of no interest."""
    sys.stdout.flush()
    sys.stderr.flush()
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)


def quiet_libraries() -> None:
    """Set the environment variable that silences TensorFlow's start-up messages, unless the user has set it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
