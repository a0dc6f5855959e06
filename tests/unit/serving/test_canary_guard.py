"""When a canary is rolled back, and when it stays."""

from __future__ import annotations

import numpy as np
import pytest

from flightline.serving.canary_guard import CanaryGuard, jensen_shannon_divergence
from flightline.serving.deployment import CANARY, CURRENT, hash_fraction
from flightline.serving.settings import CanarySettings


@pytest.fixture
def guard():
    return CanaryGuard(CanarySettings(min_requests=100, window_requests=500))


def fill(guard, role, latency=2.0, low=0.0, high=1.0, count=200, seed=0):
    random = np.random.default_rng(seed)
    for value in random.uniform(low, high, count):
        guard.record(role, latency, np.array([value], np.float32))


def test_a_good_canary_stays(guard):
    fill(guard, CURRENT, seed=1)
    fill(guard, CANARY, latency=3.0, seed=2)
    assert guard.rollback_reason() == ""


def test_a_slow_canary_is_rolled_back(guard):
    fill(guard, CURRENT, seed=1)
    fill(guard, CANARY, latency=4.1, seed=2)
    assert "latency" in guard.rollback_reason()


def test_a_canary_with_other_predictions_is_rolled_back(guard):
    fill(guard, CURRENT)
    fill(guard, CANARY, low=0.4, high=0.6)
    assert "distribution" in guard.rollback_reason()


def test_a_canary_is_not_compared_before_enough_requests(guard):
    fill(guard, CURRENT)
    fill(guard, CANARY, latency=50.0, low=0.4, high=0.6, count=99)
    assert guard.rollback_reason() == ""


def test_a_failing_canary_is_rolled_back_at_once(guard):
    guard.record(CANARY, 1.0, np.zeros(1))
    for _ in range(2):
        guard.record(CANARY, 0.0, None)
    assert guard.rollback_reason() == ""  # two failures may be chance
    guard.record(CANARY, 0.0, None)
    assert "3 of its last 4 requests failed" in guard.rollback_reason()
    guard.reset()
    assert guard.rollback_reason() == ""


def test_divergence_is_zero_for_equal_and_one_for_disjoint_samples():
    values = list(np.linspace(0, 1, 500))
    assert jensen_shannon_divergence(values, values) == 0
    assert jensen_shannon_divergence([0.1] * 50, [0.9] * 50) == pytest.approx(1)


def test_request_ids_are_distributed_evenly_and_consistently():
    shares = [hash_fraction(f"request-{number}") for number in range(10_000)]
    assert all(0 <= share < 1 for share in shares)
    assert np.histogram(shares, 10, (0, 1))[0].min() > 900
    assert hash_fraction("request-1") == shares[1]
