"""Counters of a prediction log that outlive the process: what a killed server had accepted is known afterwards.

They are in a small file that is mapped into memory. A killed process loses what is in its own memory; pages of a
mapped file are the kernel's, and are still there.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple

_RECORD = struct.Struct("<4Q")
COUNTERS_SUFFIX = ".counters"


class LogCounts(NamedTuple):
    """Rows of one writer.

    Attributes:
        accepted: answers given to the writer.
        written: of those, in a segment on disk.
        dropped: answers that it did not take, since too many were waiting.
        open_segment_rows: of the written ones, in the segment that is open.
    """

    accepted: int = 0
    written: int = 0
    dropped: int = 0
    open_segment_rows: int = 0


class LogCounters:
    """The counters of the one process that has them open; the file is locked for as long as that lives."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file.write(bytes(_RECORD.size))
        self._file.flush()
        self._map = mmap.mmap(self._file.fileno(), _RECORD.size)
        self.path = path
        self.counts = LogCounts()

    def set(self, counts: LogCounts) -> None:
        """Keeps new counts."""
        self.counts = counts
        _RECORD.pack_into(self._map, 0, *counts)

    def close(self) -> None:
        """Ends them; there is nothing to recover of a writer that ended in order."""
        self._map.close()
        self.path.unlink(missing_ok=True)
        self._file.close()


def read_dead_writer_counts(path: Path) -> LogCounts | None:
    """The last counts of a writer that has ended; None where it is alive."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = os.pread(file.fileno(), _RECORD.size, 0)
    except (BlockingIOError, FileNotFoundError):
        return None
    return LogCounts(*_RECORD.unpack(content)) if len(content) == _RECORD.size else LogCounts()
