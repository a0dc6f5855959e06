import gc
import weakref

import numpy as np

from flightline.runs.process.resources import cpu_seconds, freeze_gc, peak_memory_mb, release_memory, reset_peak_memory


def test_a_peak_is_seen_after_it_is_over_and_can_be_reset():
    reset_peak_memory()
    before = peak_memory_mb()
    block = np.ones(100 << 17)  # 100 MB
    del block
    assert peak_memory_mb() > before + 90
    reset_peak_memory()
    assert peak_memory_mb() < before + 90


def test_what_a_run_has_left_is_found_after_the_next_has_begun():
    class Node:
        pass

    freeze_gc()
    try:
        left = Node()
        left.itself = left
        gone = weakref.ref(left)
        del left
        freeze_gc()
        release_memory()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_cpu_is_counted():
    before = cpu_seconds()
    sum(range(1_000_000))
    assert cpu_seconds() > before
