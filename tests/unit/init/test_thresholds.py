"""Thresholds reject useless models and accept useful ones, in simulations with random labels and predictions."""

import numpy as np
import pytest

from flightline.config.settings import Config
from flightline.init.config_text import render_config
from flightline.init.thresholds import propose_thresholds
from flightline.utils.safe_yaml import parse_yaml

DRAWS = 300
CLASSES = np.array(["a", "b", "c"])


@pytest.fixture
def proposed(profile):
    """`proposed(label)` → the bounds of a table with that label, as its config reads back."""

    def propose(label):
        found = profile({"x": np.random.default_rng(0).normal(size=len(label)).round(4), "y": label})
        config = Config.model_validate(parse_yaml(render_config(found, "t", ("data", "t.csv"))))
        proposed_bounds = {one.metric: one.bounds for one in propose_thresholds(found)}
        bounds = config.evaluation.thresholds
        assert {name: one.model_dump(exclude_none=True) for name, one in bounds.items()} == proposed_bounds
        return bounds

    return propose


def pass_rate(passed):
    return np.mean([passed() for _ in range(DRAWS)])


def regression_labels(rows, kind, random):
    return random.normal(100, 10, rows) if kind == "even" else random.lognormal(3, 1.2, rows)


@pytest.mark.parametrize("kind", ["even", "heavy-tailed"])
@pytest.mark.parametrize("rows", [300, 3000])
def test_regression_thresholds_reject_guesses_and_accept_useful_models(proposed, rows, kind):
    random = np.random.default_rng(1)
    table = regression_labels(rows, kind, random).round(3)
    bounds = proposed(table)
    min_correlation, most = bounds["SquaredPearsonCorrelation"].lower, bounds["RootMeanSquaredError"].upper

    def model_passes(signal):
        truth = random.permutation(table)[: rows // 3]
        answers = signal * (truth - truth.mean()) / truth.std() + random.normal(size=len(truth))
        return np.corrcoef(answers, truth)[0, 1] ** 2 >= min_correlation

    def mean_prediction_passes():
        truth, training = np.split(random.permutation(table), [rows // 3])
        return np.sqrt(np.mean((truth - training.mean()) ** 2)) <= most

    assert pass_rate(lambda: model_passes(0)) < 0.1
    assert pass_rate(lambda: model_passes(0.8)) > 0.95
    assert pass_rate(mean_prediction_passes) > 0.9  # only a sanity check: predicting the mean passes


@pytest.mark.parametrize("rows", [150, 1500])
def test_a_model_as_good_as_a_lucky_regression_champion_passes(proposed, rows):
    random = np.random.default_rng(2)
    margin = proposed(regression_labels(rows, "even", random).round(3))["RootMeanSquaredError"].vs_champion

    def candidate_passes():
        noise = random.normal(0, 8, rows // 3)  # irreducible noise, of labels with a standard deviation of 10
        candidate, champion = (np.sqrt(np.mean((noise + random.normal(0, 2, len(noise))) ** 2)) for _ in range(2))
        return candidate - champion <= margin

    assert pass_rate(candidate_passes) > 0.95


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_binary_thresholds_require_auc_and_accept_the_log_loss_of_the_base_rate(proposed, share):
    random = np.random.default_rng(3)
    rows = 900
    bounds = proposed((np.arange(rows) < share * rows).astype(int))
    most = bounds["BinaryCrossentropy"].upper

    def mean_prediction_passes():
        known, truth = random.random(2 * rows // 3) < share, random.random(rows // 3) < share
        return -np.mean(np.log(np.where(truth, known.mean(), 1 - known.mean()))) <= most

    assert 0.5 < bounds["AUC"].lower < 0.8
    assert pass_rate(mean_prediction_passes) > 0.9
    assert most < 1.4 * -(share * np.log(share) + (1 - share) * np.log(1 - share))


def test_multiclass_thresholds_require_accuracy_if_there_are_enough_rows(proposed):
    label = CLASSES[np.random.default_rng(4).choice(3, 3000, p=[0.9, 0.07, 0.03])]
    bounds = proposed(label)
    most = np.mean(label == "a")
    assert most < bounds["SparseCategoricalAccuracy"].lower < (1 + most) / 2
    assert bounds["SparseCategoricalCrossentropy"].upper > entropy(label)


@pytest.mark.parametrize("rows", [300, 1500, 3000])
def test_multiclass_thresholds_require_log_loss_if_one_class_dominates(proposed, rows):
    label = np.repeat(CLASSES, [rows - 2 * (rows // 150), rows // 150, rows // 150])
    bounds = proposed(label)
    assert bounds["SparseCategoricalAccuracy"].lower is None
    assert 0.5 * entropy(label) <= bounds["SparseCategoricalCrossentropy"].upper < entropy(label)


@pytest.mark.parametrize("rows", [300, 3000, 300_000])
@pytest.mark.parametrize("rare", [0.0003, 0.013, 0.3])
def test_the_accuracy_threshold_exceeds_the_accuracy_of_predicting_one_class(proposed, rows, rare):
    few = max(3, int(rare * rows / 2))
    label = np.repeat(CLASSES, [rows - 2 * few, few, few])
    lower = proposed(label)["SparseCategoricalAccuracy"].lower
    assert lower is None or 1 - 2 * few / rows < lower < 1


def entropy(label):
    rates = np.unique(label, return_counts=True)[1] / len(label)
    return -np.sum(rates * np.log(rates))
