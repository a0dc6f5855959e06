"""How well a single column predicts the label, measured on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flightline.init.table_reader import Column
from flightline.init.target import InferredTarget

MAX_BINS = 64  # numbers with more values are binned
MAX_ROWS = 200_000
MIN_ROWS = 30  # with fewer, any column may predict the label by chance
LEAK_AUC, LEAK_R2 = 0.995, 0.99
STRONG_AUC, STRONG_R2 = 0.9, 0.8


@dataclass(frozen=True)
class Association:
    """How well one column predicts the label.

    Attributes:
        measure: `AUC` (for several classes, the mean of one class against the rest) or `R²` (of ranks).
        value: 1 for a perfect prediction; 0.5 (AUC) or 0 (R²) for none.
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
    """Predict each half of the rows from the other half, by the column's value; None with too few rows.

    So a unique value in every row predicts nothing. A missing value counts as a value.
    """
    labelled = np.flatnonzero(label.codes >= 0)
    rows = np.random.default_rng(0).permutation(labelled)[:MAX_ROWS]
    if len(rows) < MIN_ROWS:
        return None
    bins = _bin_rows(column)[rows]
    second = np.arange(len(rows)) % 2 == 1
    if target.task == "regression":
        ranks = label.codes[rows].astype(float)  # ranks, so that outliers do not dominate
        predicted = _r_squared(ranks, _cross_fitted_scores(bins, ranks, second, 1e-3))
        return Association("R²", max(predicted, _rank_correlation(column, ranks, rows) ** 2))
    found = []
    for place in range(label.distinct):
        is_class = (label.codes[rows] == place).astype(float)
        if 0 < is_class.sum() < len(rows):
            predicted = auc(is_class > 0, _cross_fitted_scores(bins, is_class, second))
            found.append((max(predicted, _rank_auc(column, is_class > 0, rows)), is_class.mean()))
    values, weights = zip(*found, strict=True) if found else ((0.5,), (1.0,))
    return Association("AUC", float(np.average(values, weights=weights)))


def _bin_rows(column: Column) -> np.ndarray:
    """[rows] 0 for a missing value, else the index of the value, or of an equally filled bin of numbers."""
    codes = column.codes + 1
    if not column.is_number or column.distinct <= MAX_BINS:
        return codes
    places = np.cumsum(column.counts) - column.counts  # rows with smaller values
    bin_of = np.concatenate([[0], 1 + places * MAX_BINS // max(1, column.present)])
    return bin_of[codes]


def _cross_fitted_scores(bins: np.ndarray, labels: np.ndarray, second: np.ndarray, prior: float = 1.0) -> np.ndarray:
    """[rows] the mean label of the row's bin in the other half, smoothed towards the overall mean by `prior`."""
    scores = np.empty(len(bins))
    size = int(bins.max()) + 1
    for half in (second, ~second):
        other = ~half
        mean = labels[other].mean()
        totals = np.bincount(bins[other], labels[other], size) + prior * mean
        scores[half] = (totals / (np.bincount(bins[other], minlength=size) + prior))[bins[half]]
    return scores


def _rank_auc(column: Column, positive: np.ndarray, rows: np.ndarray) -> float:
    """The AUC of the numbers themselves; missing values count as a random guess."""
    codes = column.codes[rows]
    present = codes >= 0
    if not column.is_number or not 0 < positive[present].sum() < present.sum():
        return 0.5
    return 0.5 + abs(auc(positive[present], codes[present]) - 0.5) * float(present.mean())


def _rank_correlation(column: Column, ranks: np.ndarray, rows: np.ndarray) -> float:
    """The rank correlation of a number with the label, scaled by the share of rows that have a value."""
    codes = column.codes[rows].astype(float)
    present = codes >= 0
    if not column.is_number or codes[present].std() == 0 or ranks[present].std() == 0:
        return 0.0
    return float(np.corrcoef(codes[present], ranks[present])[0, 1] * present.mean())


def auc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the share of pairs of a positive and a negative row that the scores order correctly."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def _r_squared(truth: np.ndarray, predicted: np.ndarray) -> float:
    total = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / total if total else 0.0
