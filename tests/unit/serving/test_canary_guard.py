"""When a canary has to go, and when not."""

from __future__ import annotations

import numpy as np
import pytest

from flightline.serving.canary_guard import CanaryGuard, jensen_shannon_divergence
from flightline.serving.deployment import CANARY, CURRENT, hash_fraction
from flightline.serving.settings import CanarySettings


@pytest.fixture
def guard():
    return CanaryGuard(CanarySettings(min_requests=100, window=500))


def fill(guard, role, latency=2.0, low=0.0, high=1.0, count=200, seed=0):
    random = np.random.default_rng(seed)
    for value in random.uniform(low, high, count):
        guard.saw(role, latency, np.array([value], np.float32))


def test_one_that_does_as_well_stays(guard):
    fill(guard, CURRENT, seed=1)
    fill(guard, CANARY, latency=3.0, seed=2)
    assert guard.verdict() == ""


def test_one_that_is_slow_goes(guard):
    fill(guard, CURRENT, seed=1)
    fill(guard, CANARY, latency=4.1, seed=2)
    assert "latency" in guard.verdict()


def test_one_that_predicts_otherwise_goes(guard):
    fill(guard, CURRENT)
    fill(guard, CANARY, low=0.4, high=0.6)
    assert "distribution" in guard.verdict()


def test_nothing_is_said_of_speed_or_predictions_before_there_are_enough(guard):
    fill(guard, CURRENT)
    fill(guard, CANARY, latency=50.0, low=0.4, high=0.6, count=99)
    assert guard.verdict() == ""


def test_one_that_fails_goes_at_once(guard):
    guard.saw(CANARY, 1.0, np.zeros(1))
    for _ in range(2):
        guard.saw(CANARY, 0.0, None)
    assert guard.verdict() == ""  # twice is chance
    guard.saw(CANARY, 0.0, None)
    assert "3 of its last 4 requests failed" in guard.verdict()
    guard.reset()
    assert guard.verdict() == ""


def test_divergence_is_none_for_the_same_and_one_for_the_apart():
    values = list(np.linspace(0, 1, 500))
    assert jensen_shannon_divergence(values, values) == 0
    assert jensen_shannon_divergence([0.1] * 50, [0.9] * 50) == pytest.approx(1)


def test_ids_are_spread_evenly_and_stay_where_they_are():
    shares = [hash_fraction(f"request-{number}") for number in range(10_000)]
    assert all(0 <= share < 1 for share in shares)
    assert np.histogram(shares, 10, (0, 1))[0].min() > 900
    assert hash_fraction("request-1") == shares[1]
