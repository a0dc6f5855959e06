"""Drift comparators: how far a column may move before somebody hears of it, by how far chance alone moves it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flightline.config.monitoring import MonitoringConfig
from flightline.init.table_reader import Column
from flightline.utils.distribution_distance import Histogram, jensen_shannon

MONITORING_MIN_ROWS = int(MonitoringConfig().min_rows)  # the fewest rows that monitoring compares
MIN_THRESHOLDS = {"infinity_norm": 0.05, "jensen_shannon_divergence": 0.1}
NOISE_MARGIN = 1.5  # times the farthest that chance moved it
_DRAWS = 20
_MAX_ROWS = 5_000  # that the draws are made from
_BINS = 10  # of the histograms that TFDV compares, of equal width
_MAX_RANGE_EXTENSION = 0.5  # of the range, as the domain has to spare: how far another delivery's extremes may be out
# Range of all values, in ranges of all but the outer hundredths. Where few values set the bins, so do those of the next
# delivery: chance moves such a column farther than these rows can show, and beyond that as far as it likes.
_OUTLIER_RANGE_RATIO, _MAX_RANGE_RATIO = 1.8, 4.0
MIN_OUTLIER_THRESHOLD = 0.55
_MAX_THRESHOLD = 0.6  # a threshold beyond that would be passed by hardly anything


@dataclass(frozen=True)
class Comparator:
    """A measure of a schema's `drift_comparator`, and from which distance on it speaks."""

    measure: str
    threshold: float


def propose_comparator(column: Column) -> Comparator | None:
    """The proposal for a column; None where chance moves it so far that a comparison would say nothing."""
    rng = np.random.default_rng(0)
    codes = rng.permutation(column.codes)[:_MAX_ROWS]
    if not column.is_number:
        return _make_comparator("infinity_norm", _category_distances(codes, column.distinct, rng))
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low) or high <= low:
        return None
    scaled = (column.values.astype(np.float64) - low) / (high - low)
    step = 1 / (high - low) if column.kind == "int" else 0.0
    least, range_ratio = 0.0, _range_ratio(scaled[codes[codes >= 0]])
    if range_ratio > _MAX_RANGE_RATIO:
        return None
    if range_ratio > _OUTLIER_RANGE_RATIO:
        least = MIN_OUTLIER_THRESHOLD
    return _make_comparator("jensen_shannon_divergence", _numeric_distances(codes, scaled, step, rng), least)


def _make_comparator(measure: str, moved: list[float], least: float = 0.0) -> Comparator | None:
    threshold = max(MIN_THRESHOLDS[measure], least, math.ceil(100 * NOISE_MARGIN * max(moved, default=0.0)) / 100)
    return Comparator(measure, threshold) if threshold <= _MAX_THRESHOLD else None


def _draw_window_pairs(codes: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows at random as a window, beside another window and beside all the rest; those without a value taken out."""
    drawn = rng.permutation(codes)
    window = min(MONITORING_MIN_ROWS, len(drawn) // 2)
    one, others = drawn[:window], [drawn[window:], drawn[-window:]]
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
    """One of the extremes farther out, in whole steps where there are some: the bins of equal width are then others."""
    by = _MAX_RANGE_EXTENSION * rng.random()
    by = round(by / step) * step if step else by
    pushed = numbers.copy()
    if rng.random() < 0.5:
        pushed[pushed.argmax()] += by
    else:
        pushed[pushed.argmin()] -= by
    return pushed


def _histogram(numbers: np.ndarray) -> Histogram:
    counts, edges = np.histogram(numbers, _BINS)
    return Histogram(edges.tolist(), counts.tolist())


def _range_ratio(numbers: np.ndarray) -> float:
    low, high = np.quantile(numbers, [0.01, 0.99]) if len(numbers) else (0.0, 1.0)
    return 1 / (high - low) if high > low else math.inf
