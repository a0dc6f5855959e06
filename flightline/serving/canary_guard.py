"""Compares a canary with the current release: error rate, latency, predictions."""

from __future__ import annotations

from collections import deque

import numpy as np

from flightline.serving.deployment import CANARY, CURRENT
from flightline.serving.settings import CanarySettings

HISTOGRAM_BINS = 20
_MAX_PREDICTIONS_PER_REQUEST = 100  # of a larger request, the first ones represent it


class _ReleaseStats:
    def __init__(self, window: int) -> None:
        self.failed: deque[bool] = deque(maxlen=window)
        self.latencies: deque[float] = deque(maxlen=window)
        self.predictions: deque[float] = deque(maxlen=10 * window)


class CanaryGuard:
    """Tracks the answers of both releases, and decides when the canary has to be rolled back."""

    def __init__(self, settings: CanarySettings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything: one of the two releases was replaced."""
        self._stats = {role: _ReleaseStats(self._settings.window_requests) for role in (CURRENT, CANARY)}

    def record(self, role: str, latency_ms: float, scores: np.ndarray | None) -> None:
        """Record a request; `scores` [rows] is None if it failed."""
        stats = self._stats[role]
        stats.failed.append(scores is None)
        if scores is not None:
            stats.latencies.append(latency_ms)
            stats.predictions.extend(scores[:_MAX_PREDICTIONS_PER_REQUEST].tolist())

    def rollback_reason(self) -> str:
        """Why the canary has to be rolled back; empty if it may stay."""
        current, canary = self._stats[CURRENT], self._stats[CANARY]
        failed = sum(canary.failed)
        if failed >= 3 and failed / len(canary.failed) > self._settings.max_error_rate:
            return f"{failed} of its last {len(canary.failed)} requests failed"
        if min(len(current.latencies), len(canary.latencies)) < self._settings.min_requests:
            return ""
        canary_p95, current_p95 = (float(np.percentile(list(stats.latencies), 95)) for stats in (canary, current))
        if canary_p95 > self._settings.max_latency_ratio * current_p95:
            return f"its 95th percentile of latency is {canary_p95:.1f} ms, the current release's {current_p95:.1f} ms"
        drift = jensen_shannon_divergence(list(canary.predictions), list(current.predictions))
        if drift > self._settings.max_drift:
            return f"the distribution of its predictions differs: Jensen-Shannon divergence {drift:.3f}"
        return ""


def jensen_shannon_divergence(first: list[float], second: list[float]) -> float:
    """Jensen-Shannon divergence of two samples, from 0 (equal) to 1 (disjoint), over 20 equal bins.

    The bins span 0 to 1 for probabilities, and the range of both samples otherwise.
    """
    both = [*first, *second]
    ends = (min([0.0, *both]), max([1.0, *both]))
    if ends != (0.0, 1.0):
        ends = (min(both), max(both))
    p, q = (np.histogram(values, HISTOGRAM_BINS, ends)[0] / max(1, len(values)) for values in (first, second))
    middle = (p + q) / 2

    def kl_divergence(part: np.ndarray) -> float:
        filled = part > 0
        return float(np.sum(part[filled] * np.log2(part[filled] / middle[filled])))

    return (kl_divergence(p) + kl_divergence(q)) / 2
