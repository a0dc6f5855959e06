"""TFMA's histogram rebinning, vectorised: bit-identical results, a hundred times faster.

TFMA derives AUC and its plots by looping over 10,000 buckets in Python, for each slice and model. Here the additions
happen in the same order (`bincount` and `cumsum` add one by one), so the sums are identical.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from flightline.executors.evaluator.tfma_internals import TFMA

_DEFAULT_BUCKETS = 10_000  # TFMA's default


@contextlib.contextmanager
def fast_rebinning() -> Iterator[None]:
    """Make TFMA's derived metrics rebin with numpy inside the block, for the whole process."""
    fast_rebin = functools.partial(rebin, stock=TFMA.rebin)
    fast_matrices = functools.partial(histogram_to_matrices, stock=TFMA.histogram_to_binary_confusion_matrices)
    with (
        TFMA.replace("rebin", fast_rebin),
        TFMA.replace("histogram_to_binary_confusion_matrices", fast_matrices),
    ):
        yield


class RebinnedHistogram(Sequence[Any]):
    """A rebinned histogram as arrays [buckets, float64]; reads like TFMA's list of `Bucket`."""

    def __init__(self, labels: np.ndarray, predictions: np.ndarray, examples: np.ndarray) -> None:
        self.labels, self.predictions, self.examples = labels, predictions, examples

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        totals = (self.labels[index], self.predictions[index], self.examples[index])
        return TFMA.Bucket(range(len(self))[index], *map(float, totals))


def rebin(
    thresholds: Sequence[float],
    histogram: Sequence[Any],
    num_buckets: int = _DEFAULT_BUCKETS,
    left: float = 0.0,
    right: float = 1.0,
    *,
    stock: Callable[..., Sequence[Any]],
) -> Sequence[Any]:
    """Rebin as `calibration_histogram.rebin`: into the intervals that start at the sorted thresholds.

    Buckets below the first threshold belong to the first interval, those above the last to the last. `stock` is TFMA's
    own function.
    """
    starts = np.asarray(thresholds)
    if (starts[1:] < starts[:-1]).any():
        # TFMA's shift by epsilon can swap thresholds just below 0 with 0, and its loop then gives a result of its own.
        return stock(thresholds, histogram, num_buckets, left, right)
    buckets = np.array(
        [(b.bucket_id, b.weighted_labels, b.weighted_predictions, b.weighted_examples) for b in histogram]
    ).reshape(-1, 4)
    ids = buckets[:, 0]
    lower = (ids - 1) / num_buckets * (right - left) + left
    lower = np.where(ids == 0, -np.inf, np.where(ids >= num_buckets + 1, np.inf, lower))
    interval = np.clip(np.searchsorted(starts, lower, side="right") - 1, 0, None)
    # Without any bucket, bincount returns integers.
    return RebinnedHistogram(*(np.bincount(interval, buckets[:, i], len(thresholds)).astype(float) for i in (1, 2, 3)))


def histogram_to_matrices(thresholds: list[float], histogram: Sequence[Any], *, stock: Callable[..., Any]) -> Any:
    """Count as `_histogram_to_binary_confusion_matrices`: rows above and below each threshold, as `Matrices`.

    `stock` is TFMA's own function, for histograms that were not rebinned here.
    """
    if not isinstance(histogram, RebinnedHistogram):
        return stock(thresholds, histogram)
    positives, negatives = histogram.labels, histogram.examples - histogram.labels
    # TFMA puts an interval before the first threshold unless that threshold is below 0.
    first = 1 if (thresholds[0] >= 0 or len(thresholds) == 1) and len(histogram) > 1 else 0
    window = slice(first, first + len(thresholds))
    tp, fp = (_reverse_cumsum(counts)[window] for counts in (positives, negatives))
    fn, tn = (_exclusive_cumsum(counts)[window] for counts in (positives, negatives))
    for i in np.flatnonzero(np.asarray(thresholds) >= 1.0 + TFMA.EPSILON):
        tp[i] = fp[i] = 0.0
        fn[i], tn[i] = tp[0], fp[0]
    return TFMA.Matrices(thresholds, tp.tolist(), tn.tolist(), fp.tolist(), fn.tolist())


def _reverse_cumsum(counts: np.ndarray) -> np.ndarray:
    return np.cumsum(counts[::-1])[::-1].copy()


def _exclusive_cumsum(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(counts)[:-1]])
