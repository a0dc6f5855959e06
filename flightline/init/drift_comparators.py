"""Propose drift thresholds, from the distances between random samples of the table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flightline.config.monitoring import MonitoringConfig
from flightline.init.table_reader import Column
from flightline.utils.distribution_distance import Histogram, jensen_shannon

MONITORING_MIN_ROWS = int(MonitoringConfig().min_rows)  # the smallest window that monitoring compares
MIN_THRESHOLDS = {"infinity_norm": 0.05, "jensen_shannon_divergence": 0.1}
NOISE_MARGIN = 1.5  # times the largest distance between random samples
_DRAWS = 20
_MAX_ROWS = 5_000  # rows to sample from
_BINS = 10  # of the histograms that TFDV compares, of equal width
_MAX_RANGE_EXTENSION = 0.5  # of the range: how far the extremes of other data may lie outside, as in the domain
# The full range divided by the range from the 1st to the 99th percentile. If a few outliers determine the bins, the
# outliers of the next data will give other bins, and random distances are larger than this sample can show.
_OUTLIER_RANGE_RATIO, _MAX_RANGE_RATIO = 1.8, 4.0
MIN_OUTLIER_THRESHOLD = 0.55
_MAX_THRESHOLD = 0.6  # hardly any real drift would exceed a larger threshold


@dataclass(frozen=True)
class Comparator:
    """The measure and the threshold of a schema's `drift_comparator`."""

    measure: str
    threshold: float


def propose_comparator(column: Column) -> Comparator | None:
    """The proposal for a column; None if random distances are so large that a comparison is useless."""
    rng = np.random.default_rng(0)
    codes = rng.permutation(column.codes)[:_MAX_ROWS]
    if not column.is_number:
        return _make_comparator("infinity_norm", _category_distances(codes, column.distinct, rng))
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low) or high <= low:
        return None
    scaled = (column.values.astype(np.float64) - low) / (high - low)
    step = 1 / (high - low) if column.kind == "int" else 0.0
    lowest, range_ratio = 0.0, _range_ratio(scaled[codes[codes >= 0]])
    if range_ratio > _MAX_RANGE_RATIO:
        return None
    if range_ratio > _OUTLIER_RANGE_RATIO:
        lowest = MIN_OUTLIER_THRESHOLD
    return _make_comparator("jensen_shannon_divergence", _numeric_distances(codes, scaled, step, rng), lowest)


def _make_comparator(measure: str, distances: list[float], lowest: float = 0.0) -> Comparator | None:
    margin = math.ceil(100 * NOISE_MARGIN * max(distances, default=0.0)) / 100
    threshold = max(MIN_THRESHOLDS[measure], lowest, margin)
    return Comparator(measure, threshold) if threshold <= _MAX_THRESHOLD else None


def _draw_window_pairs(codes: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """A random window, paired with the remaining rows and with another window; missing values are dropped."""
    shuffled = rng.permutation(codes)
    window = min(MONITORING_MIN_ROWS, len(shuffled) // 2)
    one, others = shuffled[:window], [shuffled[window:], shuffled[-window:]]
    pairs = [(one[one >= 0], other[other >= 0]) for other in others]
    return [pair for pair in pairs if all(map(len, pair))]


def _category_distances(codes: np.ndarray, distinct: int, rng: np.random.Generator) -> list[float]:
    def shares(part: np.ndarray) -> np.ndarray:
        return np.bincount(part, minlength=distinct) / len(part)

    return [
        float(np.abs(shares(one) - shares(other)).max())
        for _ in range(_DRAWS)
        for one, other in _draw_window_pairs(codes, rng)
    ]


def _numeric_distances(codes: np.ndarray, values: np.ndarray, step: float, rng: np.random.Generator) -> list[float]:
    return [
        jensen_shannon(_histogram(_extend_range(values[one], step, rng)), _histogram(values[other]))
        for _ in range(_DRAWS)
        for one, other in _draw_window_pairs(codes, rng)
    ]


def _extend_range(numbers: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray:
    """Move the minimum or the maximum outwards at random, which changes the bins of equal width."""
    shift = _MAX_RANGE_EXTENSION * rng.random()
    shift = round(shift / step) * step if step else shift
    extended = numbers.copy()
    if rng.random() < 0.5:
        extended[extended.argmax()] += shift
    else:
        extended[extended.argmin()] -= shift
    return extended


def _histogram(numbers: np.ndarray) -> Histogram:
    counts, edges = np.histogram(numbers, _BINS)
    return Histogram(edges.tolist(), counts.tolist())


def _range_ratio(numbers: np.ndarray) -> float:
    low, high = np.quantile(numbers, [0.01, 0.99]) if len(numbers) else (0.0, 1.0)
    return 1 / (high - low) if high > low else math.inf
