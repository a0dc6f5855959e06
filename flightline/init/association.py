"""How well one column alone tells the label: measured on rows that the measure was not made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flightline.init.table_reader import Column
from flightline.init.target import InferredTarget

MAX_BINS = 64  # of a number with more values than that
MAX_ROWS = 200_000
MIN_ROWS = 30  # of both halves together: below, any column may tell all by chance
LEAK_AUC = 0.995  # AUC; R² of ranks is held to GIVES_AWAY_R2
LEAK_R2 = 0.99
STRONG_AUC, STRONG_R2 = 0.9, 0.8


@dataclass(frozen=True)
class Association:
    """What one column says of the label.

    Attributes:
        measure: `AUC` (mean over classes where there are several) or `R²` (of ranks).
        value: 1 tells all; 0.5 (AUC) or 0 (R²) says nothing.
    """

    measure: str
    value: float

    @property
    def is_leak(self) -> bool:
        return self.value >= (LEAK_AUC if self.measure == "AUC" else LEAK_R2)

    @property
    def strong(self) -> bool:
        return self.value >= (STRONG_AUC if self.measure == "AUC" else STRONG_R2)


def measure_association(column: Column, label: Column, target: InferredTarget) -> Association | None:
    """Each half of the rows is scored by what the other half shows of the column's value; None for too few rows.

    A value of its own in every row says nothing then, however many there are; that a value is missing is a value too.
    """
    labelled = np.flatnonzero(label.codes >= 0)
    rows = np.random.default_rng(0).permutation(labelled)[:MAX_ROWS]
    if len(rows) < MIN_ROWS:
        return None
    bins = _bin_rows(column)[rows]
    second = np.arange(len(rows)) % 2 == 1
    if target.task == "regression":
        ranks = label.codes[rows].astype(float)  # the place among the values: no outlier decides
        told = _r_squared(ranks, _cross_fitted_scores(bins, ranks, second, 1e-3))
        return Association("R²", max(told, _rank_correlation(column, ranks, rows) ** 2))
    found = []
    for place in range(label.distinct):
        is_class = (label.codes[rows] == place).astype(float)
        if 0 < is_class.sum() < len(rows):
            told = auc(is_class > 0, _cross_fitted_scores(bins, is_class, second))
            found.append((max(told, _rank_auc(column, is_class > 0, rows)), is_class.mean()))
    values, weights = zip(*found, strict=True) if found else ((0.5,), (1.0,))
    return Association("AUC", float(np.average(values, weights=weights)))


def _bin_rows(column: Column) -> np.ndarray:
    """[rows] 0 where the value is missing, else which value, or which of the equally filled bins of a number."""
    codes = column.codes + 1
    if not column.is_number or column.distinct <= MAX_BINS:
        return codes
    places = np.cumsum(column.counts) - column.counts  # rows with smaller values
    bin_of = np.concatenate([[0], 1 + places * MAX_BINS // max(1, column.present)])
    return bin_of[codes]


def _cross_fitted_scores(bins: np.ndarray, amounts: np.ndarray, second: np.ndarray, doubt: float = 1.0) -> np.ndarray:
    """[rows] the mean amount of the row's bin in the half without the row; the mean of all counts as `doubt` rows."""
    scores = np.empty(len(bins))
    size = int(bins.max()) + 1
    for half in (second, ~second):
        other = ~half
        mean = amounts[other].mean()
        totals = np.bincount(bins[other], amounts[other], size) + doubt * mean
        scores[half] = (totals / (np.bincount(bins[other], minlength=size) + doubt))[bins[half]]
    return scores


def _rank_auc(column: Column, positive: np.ndarray, rows: np.ndarray) -> float:
    """AUC of a number itself, which needs no bins and no other half; a missing value is a toss-up."""
    codes = column.codes[rows]
    there = codes >= 0
    if not column.is_number or not 0 < positive[there].sum() < there.sum():
        return 0.5
    return 0.5 + abs(auc(positive[there], codes[there]) - 0.5) * float(there.mean())


def _rank_correlation(column: Column, ranks: np.ndarray, rows: np.ndarray) -> float:
    """Of the places among the values, column and label, where both are; thinned by the share of rows that are."""
    codes = column.codes[rows].astype(float)
    there = codes >= 0
    if not column.is_number or codes[there].std() == 0 or ranks[there].std() == 0:
        return 0.0
    return float(np.corrcoef(codes[there], ranks[there])[0, 1] * there.mean())


def auc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Share of pairs, one row positive and one not, that the scores order rightly; ties count half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def _r_squared(truth: np.ndarray, told: np.ndarray) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - told) ** 2).sum()) / spread if spread else 0.0
