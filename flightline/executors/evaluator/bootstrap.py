"""Bootstrap intervals of the differences between two models, over the rows that both were scored on.

A Poisson bootstrap: each replicate gives every row a weight from Poisson(1), the same weight for both models, so that
a difficult row is difficult for both. Rows are sorted by their scores, so that the AUC of a replicate needs only two
running sums. The random numbers are seeded: the same scores give the same intervals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

DEFAULT_REPLICATES = 400
DEFAULT_CONFIDENCE = 0.95
# With more rows, a replicate draws from a sample of them, and the interval is narrowed accordingly: its width shrinks
# with the square root of the number of rows. This takes less than two seconds and a few megabytes.
MAX_SAMPLED_ROWS = 200_000
_DECISION_THRESHOLD = 0.5  # BinaryAccuracy's threshold
_SEED = 20130101


@dataclasses.dataclass(frozen=True)
class BootstrapInterval:
    """The difference candidate - champion of one metric, on all rows.

    Attributes:
        metric: TFMA's name of the value (`auc`, `binary_accuracy`).
        difference: measured on the rows themselves.
        lower, upper: ends of the two-sided interval with this `confidence`.
    """

    metric: str
    difference: float
    lower: float
    upper: float
    confidence: float


def bootstrap_intervals(
    labels: np.ndarray,
    candidate: np.ndarray,
    champion: np.ndarray,
    confidence: float = DEFAULT_CONFIDENCE,
    replicates: int = DEFAULT_REPLICATES,
) -> list[BootstrapInterval]:
    """Compute intervals of the differences in AUC and accuracy; without AUC where all rows have the same label.

    Args:
        labels: [rows] 0 or 1.
        candidate, champion: [rows] predictions of the two models, finite.
        confidence: of the intervals, between 0 and 1.
        replicates: number of resamplings.
    """
    truth = np.asarray(labels) > _DECISION_THRESHOLD
    models = [np.asarray(scores).reshape(-1) for scores in (candidate, champion)]
    unit_weights = np.ones(len(truth), np.uint8)
    full = [_AucRanking(truth, scores).auc(unit_weights) for scores in models]
    better = _is_correct(truth, models[0]) - _is_correct(truth, models[1])
    rng = np.random.default_rng(_SEED)
    rows = (
        np.sort(rng.choice(len(truth), MAX_SAMPLED_ROWS, replace=False))
        if len(truth) > MAX_SAMPLED_ROWS
        else slice(None)
    )
    narrowed = np.sqrt(min(1.0, MAX_SAMPLED_ROWS / len(truth)))
    drawn = _replicate_differences(truth[rows], [scores[rows] for scores in models], better[rows], replicates, rng)
    intervals = []
    for metric, difference, values in zip(
        ("auc", "binary_accuracy"), (full[0] - full[1], float(better.mean())), zip(*drawn, strict=True), strict=True
    ):
        usable = np.array([value for value in values if np.isfinite(value)])
        if not np.isfinite(difference) or not len(usable):
            continue
        tail = (1 - confidence) / 2
        center = usable.mean()  # of the sampled rows, if they were sampled
        low, high = (center + (np.quantile(usable, q) - center) * narrowed for q in (tail, 1 - tail))
        shift = difference - center if narrowed < 1 else 0.0
        intervals.append(
            BootstrapInterval(metric, float(difference), float(low + shift), float(high + shift), confidence)
        )
    return intervals


def _is_correct(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Compute [rows] int8: 1 where the decision is right."""
    return ((scores > _DECISION_THRESHOLD) == truth).astype(np.int8)


def _replicate_differences(
    truth: np.ndarray, models: list[np.ndarray], better: np.ndarray, replicates: int, rng: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Yields the differences in AUC and in accuracy of each replicate."""
    candidate, champion = (_AucRanking(truth, scores) for scores in models)
    table = _poisson_table()
    for _ in range(replicates):
        weights = table[rng.integers(0, len(table), len(truth), np.uint16)]
        rows = float(weights.sum(dtype=np.int64))
        accuracy = float(np.dot(weights.astype(np.float32), better)) / rows if rows else np.nan
        yield candidate.auc(weights) - champion.auc(weights), accuracy


def _poisson_table() -> np.ndarray:
    """Make a table [65536] uint8: drawing from it is drawing from Poisson(1), to five digits, ten times as fast."""
    size = np.iinfo(np.uint16).max + 1
    table = np.zeros(size, np.uint8)
    probability, cumulative = np.exp(-1.0), 0.0
    for count in range(1, 12):
        cumulative += probability
        table[round(cumulative * size) :] = count
        probability /= count
    return table


class _AucRanking:
    """Rows sorted by their scores, ready for the AUC with any weights."""

    def __init__(self, truth: np.ndarray, scores: np.ndarray) -> None:
        positive, negative = np.flatnonzero(truth), np.flatnonzero(~truth)
        self._positive = positive[np.argsort(scores[positive], kind="stable")]
        self._negative = negative[np.argsort(scores[negative], kind="stable")]
        ranks = [np.searchsorted(scores[self._negative], scores[self._positive], side) for side in ("left", "right")]
        self._below, self._up_to = ranks  # [positives] number of negatives with a lower score, and with one not higher

    def auc(self, weights: np.ndarray) -> float:
        """Compute the fraction of (positive, negative) pairs in the right order; equal scores count half."""
        negatives = np.zeros(len(self._negative) + 1, np.int32)
        np.cumsum(weights[self._negative], out=negatives[1:])
        positives = weights[self._positive].astype(np.float64)
        pairs = positives.sum() * negatives[-1]
        if not pairs:
            return float("nan")
        lower = (negatives[self._below] + negatives[self._up_to]) / 2
        return float(np.dot(positives, lower) / pairs)
