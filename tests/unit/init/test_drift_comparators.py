"""Drift thresholds are above random distances and below real drift."""

import itertools

import numpy as np
import pytest

from flightline.init.drift_comparators import MIN_THRESHOLDS, MONITORING_MIN_ROWS, propose_comparator
from flightline.init.table_reader import Column
from flightline.utils.distribution_distance import Histogram, jensen_shannon, l_infinity

WINDOWS = 40
DISTRIBUTIONS = {
    "uniform": lambda random, rows: random.uniform(0, 1, rows),
    "normal": lambda random, rows: random.normal(50, 10, rows),
    "integers": lambda random, rows: random.integers(0, 20, rows),
    "exponential": lambda random, rows: random.exponential(1, rows),
    "binary": lambda random, rows: random.integers(0, 2, rows),
}


def column(values, kind="float"):
    distinct, codes = np.unique(values, return_inverse=True)
    return Column("x", kind, distinct, codes.astype(np.int32))


def distance(one, other):
    return jensen_shannon(*(Histogram(edges.tolist(), counts.tolist()) for counts, edges in map(binned, (one, other))))


def binned(numbers):
    return np.histogram(numbers, 10)


def shares(texts):
    values, counts = np.unique(texts, return_counts=True)
    return dict(zip(values.tolist(), counts / len(texts), strict=True))


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize("rows", [100, 500, 3000])
def test_random_windows_stay_within_the_threshold_and_real_drift_does_not(kind, rows):
    random = np.random.default_rng(rows)
    table = DISTRIBUTIONS[kind](random, rows)
    found = propose_comparator(column(table, "int" if table.dtype.kind == "i" else "float"))
    assert found.measure == "jensen_shannon_divergence"
    assert MIN_THRESHOLDS[found.measure] <= found.threshold <= 0.6
    training = table[random.random(rows) < 2 / 3]
    windows = [DISTRIBUTIONS[kind](random, MONITORING_MIN_ROWS) for _ in range(WINDOWS)]
    distances = [max(distance(one, training), distance(one, other)) for one, other in itertools.pairwise(windows)]
    assert max(distances) <= found.threshold
    assert distance(windows[0] * 1.6 + 30, training) > found.threshold


@pytest.mark.parametrize("rows", [100, 500, 3000])
def test_random_windows_of_texts_stay_within_the_threshold(rows):
    random = np.random.default_rng(rows)

    def draw(size):
        return random.choice(["a", "b", "c", "d"], size, p=[0.5, 0.3, 0.15, 0.05])

    table = draw(rows)
    found = propose_comparator(column(table.astype(object), "bytes"))
    assert found.measure == "infinity_norm"
    assert found.threshold >= MIN_THRESHOLDS[found.measure]
    assert max(l_infinity(shares(draw(MONITORING_MIN_ROWS)), shares(table)) for _ in range(WINDOWS)) <= found.threshold
    assert l_infinity({"a": 1.0}, shares(table)) > found.threshold


def test_a_column_dominated_by_outliers_has_no_comparator():
    assert propose_comparator(column(np.random.default_rng(0).pareto(1.2, 3000))) is None


@pytest.mark.parametrize("values", [[7.0] * 50, [1e308, -1e308] * 20, [0.0, 5e-324] * 20, [2.0**53, 2.0**53 + 2] * 20])
def test_extreme_numbers_give_a_bounded_threshold_or_none(values):
    found = propose_comparator(column(np.array(values)))
    assert found is None or found.threshold <= 0.6


def test_the_proposal_is_deterministic():
    values = np.random.default_rng(0).normal(size=2000)
    assert propose_comparator(column(values)) == propose_comparator(column(values))
