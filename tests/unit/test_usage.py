import numpy as np

from pipeline.usage import cpu_seconds, peak_memory_mb, reset_peak_memory


def test_a_peak_is_seen_after_it_is_over_and_can_be_reset():
    reset_peak_memory()
    before = peak_memory_mb()
    block = np.ones(100 << 17)  # 100 MB
    del block
    assert peak_memory_mb() > before + 90
    reset_peak_memory()
    assert peak_memory_mb() < before + 90


def test_cpu_is_counted():
    before = cpu_seconds()
    sum(range(1_000_000))
    assert cpu_seconds() > before
