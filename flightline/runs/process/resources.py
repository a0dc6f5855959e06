"""CPU time and peak memory of this process, measured per step."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import time
from pathlib import Path

_PROC_STATUS, _PROC_CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man 5 proc: "reset the peak resident set size to the process's current value"


def cpu_seconds() -> float:
    """Return user and system seconds of this process and of its children that have ended."""
    used = time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used + children.ru_utime + children.ru_stime


def freeze_gc() -> None:
    """Exclude all present objects from garbage collection, once per process.

    With TFX loaded a collection takes longer than most cached steps. Only once, so that a later run in the same process
    can still free what an earlier one left."""
    if not gc.get_freeze_count():
        gc.freeze()


def release_memory() -> None:
    """Return freed memory to the system, so that it is there for the next step's child processes. Needs glibc."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def reset_peak_memory() -> None:
    """Make `peak_memory_mb` start from the present use, on systems that support it."""
    with contextlib.suppress(OSError):
        _PROC_CLEAR_REFS.write_text(_RESET_PEAK)


def peak_memory_mb() -> float:
    """Return the peak resident set size of this process without its children, in megabytes."""
    with contextlib.suppress(OSError):
        for line in _PROC_STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
