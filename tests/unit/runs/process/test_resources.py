import gc
import weakref

import numpy as np

from flightline.runs.process.resources import cpu_seconds, freeze_gc, peak_memory_mb, release_memory, reset_peak_memory


def test_peak_memory_is_kept_until_it_is_reset():
    reset_peak_memory()
    before = peak_memory_mb()
    block = np.ones(100 << 17)  # 100 MB
    del block
    assert peak_memory_mb() > before + 90
    reset_peak_memory()
    assert peak_memory_mb() < before + 90


def test_garbage_of_an_earlier_run_is_collected_during_the_next_run():
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


def test_cpu_seconds_grow_with_work():
    before = cpu_seconds()
    sum(range(1_000_000))
    assert cpu_seconds() > before
