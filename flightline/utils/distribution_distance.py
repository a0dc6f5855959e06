"""Distances between two distributions, which measure drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Histogram:
    """Counts between edges; one more edge than counts."""

    edges: list[float]
    counts: list[float]


def l_infinity(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the largest difference between the two shares of any value."""
    return max((abs(before.get(value, 0.0) - now.get(value, 0.0)) for value in {*before, *now}), default=0.0)


def jensen_shannon(before: Histogram, now: Histogram) -> float:
    """Return the Jensen-Shannon divergence to base 2, from 0 (equal) to 1. Buckets count as uniform inside."""
    before, now = _ensure_width(before), _ensure_width(now)
    edges = np.union1d(before.edges, now.edges)
    p, q = (_rebin(histogram, edges) for histogram in (before, now))
    middle = (p + q) / 2
    return max(0.0, (_kullback_leibler(p, middle) + _kullback_leibler(q, middle)) / 2)


def _ensure_width(histogram: Histogram) -> Histogram:
    """Give the histogram of a constant, whose buckets have no width, a very narrow bucket."""
    low, high = histogram.edges[0], histogram.edges[-1]
    narrow = max(abs(low), 1.0) * 1e-9
    return histogram if high > low else Histogram([low - narrow, low + narrow], [sum(histogram.counts)])


def _rebin(histogram: Histogram, edges: np.ndarray) -> np.ndarray:
    """Return the shares of a histogram in the buckets of finer `edges`."""
    total = sum(histogram.counts) or 1.0
    cumulated = np.interp(edges, histogram.edges, np.concatenate([[0.0], np.cumsum(histogram.counts)]) / total)
    shares: np.ndarray = np.diff(cumulated)
    return shares


def _kullback_leibler(p: np.ndarray, q: np.ndarray) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())
