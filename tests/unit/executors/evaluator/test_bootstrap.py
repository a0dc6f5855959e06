"""The bootstrap: its AUC equals the definition, its intervals contain the true difference as often as stated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.executors.evaluator import bootstrap
from flightline.executors.evaluator.bootstrap import _AucRanking, _poisson_table, bootstrap_intervals


def auc_by_pairs(truth, scores, weights):
    """AUC by its definition: the weighted share of pairs in the right order."""
    won = pairs = 0.0
    for i in np.flatnonzero(truth):
        for j in np.flatnonzero(~truth):
            weight = float(weights[i]) * float(weights[j])
            pairs += weight
            won += weight * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return won / pairs if pairs else float("nan")


row = st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.5000001, 0.9, 1.0]), st.integers(0, 3))


@given(st.lists(row, min_size=1, max_size=25))
def test_weighted_auc_equals_its_definition(rows):
    truth, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    ours = _AucRanking(truth, scores).auc(weights.astype(np.uint8))
    assert ours == pytest.approx(auc_by_pairs(truth, scores, weights), nan_ok=True)


def test_resampling_weights_are_poisson_distributed_with_mean_one():
    shares = np.bincount(_poisson_table()) / len(_poisson_table())
    counts = np.arange(len(shares))
    assert (shares * counts).sum() == pytest.approx(1, abs=1e-3)
    assert (shares * (counts - 1) ** 2).sum() == pytest.approx(1, abs=1e-3)


def make_scores(rows, seed, gap=0.0):
    """Labels and the scores of two models, the second with `gap` more noise."""
    rng = np.random.default_rng(seed)
    labels = rng.random(rows) < 0.3
    signal = rng.normal(size=rows) + 1.5 * labels
    models = [signal + rng.normal(size=rows) * noise for noise in (0.4, 0.4 + gap)]
    return labels, *(1 / (1 + np.exp(-logits)) for logits in models)


def by_metric(found):
    return {interval.metric: interval for interval in found}


def test_identical_models_have_a_difference_of_zero():
    labels, scores, _ = make_scores(500, 1)
    for interval in bootstrap_intervals(labels, scores, scores):
        assert interval.difference == interval.lower == interval.upper == 0


def test_the_interval_of_a_clearly_better_model_excludes_zero():
    labels, better, worse = make_scores(4000, 2, gap=2.0)
    ahead, behind = (
        by_metric(bootstrap_intervals(labels, better, worse)),
        by_metric(bootstrap_intervals(labels, worse, better)),
    )
    assert ahead["auc"].lower > 0 > behind["auc"].upper
    assert ahead["auc"].lower <= ahead["auc"].difference <= ahead["auc"].upper
    assert behind["auc"].difference == pytest.approx(-ahead["auc"].difference)


def test_intervals_are_deterministic():
    pair = make_scores(800, 3, gap=0.2)
    assert bootstrap_intervals(*pair) == bootstrap_intervals(*pair)


def test_intervals_contain_the_true_difference_as_often_as_their_confidence():
    labels, candidate, champion = make_scores(60_000, 4, gap=0.3)
    truth = by_metric(bootstrap_intervals(labels, candidate, champion, replicates=2))
    contained = {"auc": 0, "binary_accuracy": 0}
    rng = np.random.default_rng(5)
    for _ in range(100):
        rows = rng.choice(len(labels), 600)
        found = by_metric(bootstrap_intervals(labels[rows], candidate[rows], champion[rows], 0.9, replicates=100))
        for metric in contained:
            contained[metric] += found[metric].lower <= truth[metric].difference <= found[metric].upper
    assert 80 <= contained["auc"] <= 98
    assert 80 <= contained["binary_accuracy"] <= 98


def test_intervals_of_sampled_rows_have_the_width_of_all_rows(monkeypatch):
    labels, candidate, champion = make_scores(20_000, 6, gap=0.3)
    of_all_rows = by_metric(bootstrap_intervals(labels, candidate, champion))
    monkeypatch.setattr(bootstrap, "MAX_SAMPLED_ROWS", 5000)
    sampled = by_metric(bootstrap_intervals(labels, candidate, champion))
    for metric, interval in of_all_rows.items():
        assert sampled[metric].difference == interval.difference
        width = sampled[metric].upper - sampled[metric].lower
        assert width == pytest.approx(interval.upper - interval.lower, rel=0.25)


def test_one_class_has_no_auc():
    scores = np.linspace(0, 1, 50)
    assert [interval.metric for interval in bootstrap_intervals(np.ones(50), scores, scores[::-1])] == [
        "binary_accuracy"
    ]


def test_a_higher_confidence_widens_the_interval():
    pair = make_scores(1000, 7, gap=0.2)
    narrow, wide = by_metric(bootstrap_intervals(*pair, 0.8)), by_metric(bootstrap_intervals(*pair, 0.99))
    assert wide["auc"].lower < narrow["auc"].lower
    assert narrow["auc"].upper < wide["auc"].upper
