"""Whether a canary does as well as the current release: its errors, its latency, what it predicts."""

from __future__ import annotations

from collections import deque

import numpy as np

from flightline.serving.deployment import CANARY, CURRENT
from flightline.serving.settings import CanarySettings

HISTOGRAM_BINS = 20
_MAX_PREDICTIONS_PER_REQUEST = 100  # predictions of one request that are looked at


class _ReleaseStats:
    def __init__(self, window: int) -> None:
        self.requests = 0
        self.failed: deque[bool] = deque(maxlen=window)
        self.latencies: deque[float] = deque(maxlen=window)
        self.predictions: deque[float] = deque(maxlen=10 * window)


class CanaryGuard:
    """Sees every answer of both releases; says when the canary has to go."""

    def __init__(self, settings: CanarySettings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """Begins anew: one of the two has been replaced."""
        self._seen = {role: _ReleaseStats(self._settings.window) for role in (CURRENT, CANARY)}

    def saw(self, role: str, latency_ms: float, scores: np.ndarray | None) -> None:
        """Takes note of a request; `scores` [rows] are None where it failed."""
        seen = self._seen[role]
        seen.requests += 1
        seen.failed.append(scores is None)
        if scores is not None:
            seen.latencies.append(latency_ms)
            seen.predictions.extend(scores[:_MAX_PREDICTIONS_PER_REQUEST].tolist())

    def verdict(self) -> str:
        """Why the canary has to go, or nothing."""
        current, canary = self._seen[CURRENT], self._seen[CANARY]
        failed = sum(canary.failed)
        if failed >= 3 and failed / len(canary.failed) > self._settings.max_error_rate:
            return f"{failed} of its last {len(canary.failed)} requests failed"
        if min(len(current.latencies), len(canary.latencies)) < self._settings.min_requests:
            return ""
        ours, theirs = (float(np.percentile(list(seen.latencies), 95)) for seen in (canary, current))
        if ours > self._settings.max_latency_ratio * theirs:
            return f"its 95th percentile of latency is {ours:.1f} ms, the current release's {theirs:.1f} ms"
        drift = jensen_shannon_divergence(list(canary.predictions), list(current.predictions))
        if drift > self._settings.max_drift:
            return f"its predictions differ in distribution: Jensen-Shannon divergence {drift:.3f}"
        return ""


def jensen_shannon_divergence(ours: list[float], theirs: list[float]) -> float:
    """Jensen-Shannon divergence of two samples, 0 (alike) to 1 (apart), over 20 equal bins.

    The bins go from 0 to 1, or from the least to the most of both where they are no probabilities.
    """
    both = [*ours, *theirs]
    ends = (min([0.0, *both]), max([1.0, *both]))
    if ends != (0.0, 1.0):
        ends = (min(both), max(both))
    p, q = (np.histogram(values, HISTOGRAM_BINS, ends)[0] / max(1, len(values)) for values in (ours, theirs))
    middle = (p + q) / 2

    def relative(part: np.ndarray) -> float:
        there = part > 0
        return float(np.sum(part[there] * np.log2(part[there] / middle[there])))

    return (relative(p) + relative(q)) / 2
