import keras
import numpy as np
import pytest

from flightline.config.modeling import ModelSettings
from flightline.modeling import tree_blend
from flightline.modeling.model_io import NUMERIC_INPUT
from flightline.modeling.objective import make_objective
from flightline.modeling.training_data import TrainingData
from flightline.modeling.tree_blend import choose_blend_weight, fit_tree_blend
from flightline.serving.target import Target

SETTINGS = ModelSettings(trees=20)
HELD_OUT = np.arange(200)


def predictions(task, truth, error):
    """Predictions of a model with this error on each row."""
    if task == "regression":
        return (truth + error)[:, None]
    sure = np.clip(0.9 - np.abs(error), 0.01, 0.99)
    if task == "binary":
        return np.where(truth == 1, sure, 1 - sure)[:, None]
    probabilities = np.repeat((1 - sure)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(len(truth)), truth] = sure
    return probabilities


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_better_model_has_the_greater_weight(task):
    random = np.random.default_rng(0)
    truth = random.integers(0, 3 if task == "multiclass" else 2, size=500)
    good, bad = (predictions(task, truth, random.normal(size=500) * size) for size in (0.02, 0.5))
    assert choose_blend_weight(bad, good, truth, task) == 1.0
    assert choose_blend_weight(good, bad, truth, task) == 0.25
    assert choose_blend_weight(good, good, truth, task) == 0.5
    other = predictions(task, truth, random.normal(size=500) * 0.5)
    assert 0 < choose_blend_weight(bad, other, truth, task) < 1


def test_a_few_rows_change_the_weight_only_when_they_are_clear():
    truth = np.array([0.0, 1.0, 1.0])
    assert choose_blend_weight(np.array([[0.2], [0.9], [0.7]]), np.array([[0.1], [0.7], [0.9]]), truth, "binary") == 0.5
    assert choose_blend_weight(np.array([[0.2]]), np.array([[0.9]]), np.array([1.0]), "binary") == 0.5


def network(output):
    """A network of one number with the same output for every row."""
    model = keras.Sequential([keras.Input((1,), name=NUMERIC_INPUT), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.layers[-1].bias.assign([output])
    return keras.Model({NUMERIC_INPUT: model.inputs[0]}, model.outputs[0])


def steps(rows=1000):
    """Labels that depend on the integer part of a number."""
    numbers = np.random.default_rng(1).uniform(0, 8, size=(rows, 1)).astype(np.float32)
    return TrainingData({NUMERIC_INPUT: numbers}, (numbers[:, 0].astype(int) % 2).astype(np.float32))


def test_trees_that_are_much_better_than_the_network_get_all_the_weight():
    rows = steps()
    objective = make_objective(Target(task="binary"), rows.labels)
    tree_blend_ = fit_tree_blend(network(0.0), rows, HELD_OUT, SETTINGS, objective, seed=0)
    assert tree_blend_.weight == 1.0
    assert tree_blend_.blend(np.array([[0.2]]), np.array([[0.8]])) == pytest.approx(0.8)


def test_the_weight_is_chosen_with_trees_that_have_not_seen_the_held_out_rows():
    """Random labels: trees that have seen the rows would look perfect on them."""
    random = np.random.default_rng(3)
    numbers = random.uniform(size=(400, 1)).astype(np.float32)
    rows = TrainingData({NUMERIC_INPUT: numbers}, random.normal(size=400).astype(np.float32))
    objective = make_objective(Target(task="regression"), rows.labels)
    tree_blend_ = fit_tree_blend(network(0.0), rows, HELD_OUT, ModelSettings(trees=300), objective, seed=0)
    assert tree_blend_.weight == 0.25


@pytest.mark.parametrize(("held_out", "fits"), [(0, [1000]), (50, [950]), (99, [901, 1000]), (200, [800, 1000])])
def test_trees_are_fitted_again_on_all_rows_when_many_are_held_out(monkeypatch, held_out, fits):
    rows, seen = steps(), []
    fit = tree_blend.fit_trees
    monkeypatch.setattr(tree_blend, "fit_trees", lambda rows, **others: seen.append(len(rows)) or fit(rows, **others))
    objective = make_objective(Target(task="binary"), rows.labels)
    assert fit_tree_blend(network(0.0), rows, np.arange(held_out), SETTINGS, objective, seed=0)
    assert seen == fits


def test_without_held_out_rows_the_weight_is_a_half():
    rows = steps()
    objective = make_objective(Target(task="binary"), rows.labels)
    assert fit_tree_blend(network(0.0), rows, HELD_OUT[:0], SETTINGS, objective, seed=0).weight == 0.5


def test_there_is_no_blend_without_trees_or_with_constant_labels():
    rows = steps()
    objective = make_objective(Target(task="binary"), rows.labels)
    assert fit_tree_blend(network(0.0), rows, HELD_OUT, ModelSettings(), objective, seed=0) is None
    same = TrainingData(rows.features, np.ones(len(rows), np.float32))
    assert (
        fit_tree_blend(network(0.0), same, HELD_OUT, SETTINGS, make_objective(Target(task="binary"), same.labels), 0)
        is None
    )
