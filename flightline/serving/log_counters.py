"""Counters of a prediction log that survive a killed process.

They are stored in a small memory-mapped file: its pages belong to the kernel, which keeps them when the process is
killed. So the next server knows how many rows had been accepted but not written.
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
    """Row counts of one log writer.

    Attributes:
        accepted: rows that the writer accepted.
        written: accepted rows that are in a segment on disk.
        dropped: rows that were not accepted because the queue was full.
        open_segment_rows: written rows that are in the open segment.
    """

    accepted: int = 0
    written: int = 0
    dropped: int = 0
    open_segment_rows: int = 0


class LogCounters:
    """The counters of a running process, which holds a lock on the file as long as it lives."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file.write(bytes(_RECORD.size))
        self._file.flush()
        self._map = mmap.mmap(self._file.fileno(), _RECORD.size)
        self.path = path
        self.counts = LogCounts()

    def set(self, counts: LogCounts) -> None:
        """Replace the counts."""
        self.counts = counts
        _RECORD.pack_into(self._map, 0, *counts)

    def close(self) -> None:
        """Delete the file: after a regular end there is nothing to recover."""
        self._map.close()
        self.path.unlink(missing_ok=True)
        self._file.close()


def read_dead_writer_counts(path: Path) -> LogCounts | None:
    """The last counts of a writer that has ended; None if it is still running."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = os.pread(file.fileno(), _RECORD.size, 0)
    except (BlockingIOError, FileNotFoundError):
        return None
    return LogCounts(*_RECORD.unpack(content)) if len(content) == _RECORD.size else LogCounts()
