"""The bootstrap: its AUC is the field's own, its intervals hold the truth as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.executors.evaluator import bootstrap
from flightline.executors.evaluator.bootstrap import _AucRanking, _poisson_table, bootstrap_intervals


def auc_by_pairs(truth, scores, weights):
    """The definition, pair by pair."""
    won = pairs = 0.0
    for i in np.flatnonzero(truth):
        for j in np.flatnonzero(~truth):
            weight = float(weights[i]) * float(weights[j])
            pairs += weight
            won += weight * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return won / pairs if pairs else float("nan")


row = st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.5000001, 0.9, 1.0]), st.integers(0, 3))


@given(st.lists(row, min_size=1, max_size=25))
def test_a_weighted_auc_is_that_of_its_definition(rows):
    truth, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    ours = _AucRanking(truth, scores).auc(weights.astype(np.uint8))
    assert ours == pytest.approx(auc_by_pairs(truth, scores, weights), nan_ok=True)


def test_weights_are_poisson_of_one():
    shares = np.bincount(_poisson_table()) / len(_poisson_table())
    counts = np.arange(len(shares))
    assert (shares * counts).sum() == pytest.approx(1, abs=1e-3)
    assert (shares * (counts - 1) ** 2).sum() == pytest.approx(1, abs=1e-3)


def a_pair(rows, seed, gap=0.0):
    """Labels and two models of them, the second with `gap` more noise."""
    rng = np.random.default_rng(seed)
    labels = rng.random(rows) < 0.3
    signal = rng.normal(size=rows) + 1.5 * labels
    models = [signal + rng.normal(size=rows) * noise for noise in (0.4, 0.4 + gap)]
    return labels, *(1 / (1 + np.exp(-logits)) for logits in models)


def by_metric(found):
    return {interval.metric: interval for interval in found}


def test_the_same_scores_differ_by_nothing():
    labels, scores, _ = a_pair(500, 1)
    for interval in bootstrap_intervals(labels, scores, scores):
        assert interval.difference == interval.lower == interval.upper == 0


def test_the_interval_excludes_zero_for_a_clearly_better_and_a_clearly_worse_model():
    labels, better, worse = a_pair(4000, 2, gap=2.0)
    ahead, behind = (
        by_metric(bootstrap_intervals(labels, better, worse)),
        by_metric(bootstrap_intervals(labels, worse, better)),
    )
    assert ahead["auc"].lower > 0 > behind["auc"].upper
    assert ahead["auc"].lower <= ahead["auc"].difference <= ahead["auc"].upper
    assert behind["auc"].difference == pytest.approx(-ahead["auc"].difference)


def test_the_same_scores_give_the_same_intervals():
    pair = a_pair(800, 3, gap=0.2)
    assert bootstrap_intervals(*pair) == bootstrap_intervals(*pair)


def test_the_coverage_of_an_interval_is_its_confidence():
    labels, candidate, champion = a_pair(60_000, 4, gap=0.3)
    truth = by_metric(bootstrap_intervals(labels, candidate, champion, replicates=2))
    held = {"auc": 0, "binary_accuracy": 0}
    rng = np.random.default_rng(5)
    for _ in range(100):
        rows = rng.choice(len(labels), 600)
        found = by_metric(bootstrap_intervals(labels[rows], candidate[rows], champion[rows], 0.9, replicates=100))
        for metric in held:
            held[metric] += found[metric].lower <= truth[metric].difference <= found[metric].upper
    assert 80 <= held["auc"] <= 98
    assert 80 <= held["binary_accuracy"] <= 98


def test_more_rows_than_are_drawn_from_narrow_the_interval_as_they_would(monkeypatch):
    labels, candidate, champion = a_pair(20_000, 6, gap=0.3)
    whole = by_metric(bootstrap_intervals(labels, candidate, champion))
    monkeypatch.setattr(bootstrap, "MAX_SAMPLED_ROWS", 5000)
    sampled = by_metric(bootstrap_intervals(labels, candidate, champion))
    for metric, interval in whole.items():
        assert sampled[metric].difference == interval.difference
        width = sampled[metric].upper - sampled[metric].lower
        assert width == pytest.approx(interval.upper - interval.lower, rel=0.25)


def test_one_class_has_no_auc():
    scores = np.linspace(0, 1, 50)
    assert [interval.metric for interval in bootstrap_intervals(np.ones(50), scores, scores[::-1])] == [
        "binary_accuracy"
    ]


def test_a_higher_confidence_is_wider():
    pair = a_pair(1000, 7, gap=0.2)
    narrow, wide = by_metric(bootstrap_intervals(*pair, 0.8)), by_metric(bootstrap_intervals(*pair, 0.99))
    assert wide["auc"].lower < narrow["auc"].lower
    assert narrow["auc"].upper < wide["auc"].upper
