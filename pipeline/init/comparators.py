"""Drift comparators: how far a column may move before somebody hears of it, by how far chance alone moves it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.init.reading import Column
from pipeline.monitor.settings import MonitoringConfig
from pipeline.report.changes import jensen_shannon
from pipeline.report.data import Histogram

WINDOW = int(MonitoringConfig().min_rows)  # the fewest rows that monitoring compares
LEAST = {"infinity_norm": 0.05, "jensen_shannon_divergence": 0.1}
MARGIN = 1.5  # times the farthest that chance moved it
_DRAWS = 20
_MOST_ROWS = 5_000  # that the draws are made from
_BINS = 10  # of the histograms that TFDV compares, of equal width
_PUSH = 0.5  # of the range, as the domain has to spare: how far another delivery's extremes may be out
# Range of all values, in ranges of all but the outer hundredths. Where few values set the bins, so do those of the next
# delivery: chance moves such a column farther than these rows can show, and beyond that as far as it likes.
_FEW_SET_BINS, _FEW_ARE_ALL = 1.8, 4.0
FEW_SET_BINS_LEAST = 0.55
_HIGHEST = 0.6  # a threshold beyond that would be passed by hardly anything


@dataclass(frozen=True)
class Comparator:
    """A measure of a schema's `drift_comparator`, and from which distance on it speaks."""

    measure: str
    threshold: float


def comparator_of(column: Column) -> Comparator | None:
    """The proposal for a column; None where chance moves it so far that a comparison would say nothing."""
    rng = np.random.default_rng(0)
    codes = rng.permutation(column.codes)[:_MOST_ROWS]
    if not column.is_number:
        return _settled("infinity_norm", _category_moves(codes, column.distinct, rng))
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low) or high <= low:
        return None
    scaled = (column.values.astype(np.float64) - low) / (high - low)
    step = 1 / (high - low) if column.kind == "int" else 0.0
    least, of_inner = 0.0, _ranges_of_inner(scaled[codes[codes >= 0]])
    if of_inner > _FEW_ARE_ALL:
        return None
    if of_inner > _FEW_SET_BINS:
        least = FEW_SET_BINS_LEAST
    return _settled("jensen_shannon_divergence", _number_moves(codes, scaled, step, rng), least)


def _settled(measure: str, moved: list[float], least: float = 0.0) -> Comparator | None:
    threshold = max(LEAST[measure], least, math.ceil(100 * MARGIN * max(moved, default=0.0)) / 100)
    return Comparator(measure, threshold) if threshold <= _HIGHEST else None


def _parts(codes: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows at random as a window, beside another window and beside all the rest; those without a value taken out."""
    drawn = rng.permutation(codes)
    window = min(WINDOW, len(drawn) // 2)
    one, others = drawn[:window], [drawn[window:], drawn[-window:]]
    pairs = [(one[one >= 0], other[other >= 0]) for other in others]
    return [pair for pair in pairs if all(map(len, pair))]


def _category_moves(codes: np.ndarray, distinct: int, rng: np.random.Generator) -> list[float]:
    def shares(part: np.ndarray) -> np.ndarray:
        return np.bincount(part, minlength=distinct) / len(part)

    return [
        float(np.abs(shares(one) - shares(other)).max()) for _ in range(_DRAWS) for one, other in _parts(codes, rng)
    ]


def _number_moves(codes: np.ndarray, values: np.ndarray, step: float, rng: np.random.Generator) -> list[float]:
    return [
        jensen_shannon(_histogram(_pushed(values[one], step, rng)), _histogram(values[other]))
        for _ in range(_DRAWS)
        for one, other in _parts(codes, rng)
    ]


def _pushed(numbers: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray:
    """One of the extremes farther out, in whole steps where there are some: the bins of equal width are then others."""
    by = _PUSH * rng.random()
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


def _ranges_of_inner(numbers: np.ndarray) -> float:
    low, high = np.quantile(numbers, [0.01, 0.99]) if len(numbers) else (0.0, 1.0)
    return 1 / (high - low) if high > low else math.inf
