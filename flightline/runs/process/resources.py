"""What a step uses: CPU seconds, and the most memory that this process held at once."""

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
    """User and system seconds of this process and the children that have ended."""
    used = time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used + children.ru_utime + children.ru_stime


def freeze_gc() -> None:
    """What is there now stays, and is not looked through for garbage again: with TFX loaded, that takes longer than
    what most cached steps do. Once a process: of a later run, what the one before has left must be found."""
    if not gc.get_freeze_count():
        gc.freeze()


def release_memory() -> None:
    """Gives back to the system what has been freed: the allocator would keep it, and the next step's children come on
    top. Does nothing where the C library is not glibc."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def reset_peak_memory() -> None:
    """From now on `peak_memory_mb` is about what comes; where the system cannot do it, about the whole process."""
    with contextlib.suppress(OSError):
        _PROC_CLEAR_REFS.write_text(_RESET_PEAK)


def peak_memory_mb() -> float:
    """The largest resident set of this process, children not included, in megabytes."""
    with contextlib.suppress(OSError):
        for line in _PROC_STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
