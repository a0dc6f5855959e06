"""What a model predicts, and its outputs as predictions."""

import json

import numpy as np
import pytest

from flightline.serving.target import BINARY_TARGET, Target

CLASSES = ("a", "b", "c")
COLOURS = Target("multiclass", classes=("red", "green", "blue"))
REGRESSION = Target("regression")
YES_NO = Target("binary", positive="yes", negative="no")


def test_a_probability_at_the_threshold_is_positive():
    predictions = BINARY_TARGET.to_predictions(np.array([[0.25], [0.5]], np.float32), 0.5)
    assert predictions.rows() == [{"probability": 0.25, "label": 0}, {"probability": 0.5, "label": 1}]


def test_a_binary_text_label_is_returned_as_text():
    predictions = YES_NO.to_predictions(np.array([[0.25], [0.5]], np.float32), 0.5)
    assert predictions.rows() == [{"probability": 0.25, "label": "no"}, {"probability": 0.5, "label": "yes"}]
    assert predictions.labels.tolist() == [0, 1]  # as they are logged


def test_a_multiclass_prediction_has_the_likeliest_class_and_all_probabilities():
    predictions = COLOURS.to_predictions(np.array([[0.25, 0.5, 0.25]], np.float32), 0.9)
    probabilities = {"red": 0.25, "green": 0.5, "blue": 0.25}
    assert predictions.rows() == [{"probability": 0.5, "label": "green", "probabilities": probabilities}]


def test_a_regression_prediction_has_no_label():
    assert REGRESSION.to_predictions(np.array([[-3.5]], np.float32), 0.5).rows() == [{"prediction": -3.5}]


@pytest.mark.parametrize(
    ("target", "outputs", "problem"),
    [
        (BINARY_TARGET, [[0.5]], ""),
        (BINARY_TARGET, [[1.5]], "not probabilities"),
        (BINARY_TARGET, [[float("nan")]], "not probabilities"),
        (BINARY_TARGET, [[0.5, 0.5]], "2 numbers for a row"),
        (COLOURS, [[0.5, 0.5]], "2 numbers for a row"),
        (COLOURS, [[0.1, 0.2, 0.7]], ""),
        (REGRESSION, [[1e9]], ""),
        (REGRESSION, [[float("inf")]], "not all finite"),
    ],
)
def test_invalid_model_outputs_are_described(target, outputs, problem):
    found = target.find_problem(np.array(outputs, np.float32))
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("metadata", "target"),
    [
        ({}, BINARY_TARGET),
        ({"target": None}, BINARY_TARGET),
        ({"target": {"task": "binary", "positive": "yes", "classes": []}}, Target(positive="yes")),
        ({"target": {"task": "binary", "positive": "yes", "classes": [], "values": ["no", "yes"]}}, YES_NO),
        ({"target": {"task": "regression"}}, REGRESSION),
        ({"target": {"task": "multiclass", "classes": ["red", "green", "blue"]}}, COLOURS),
    ],
)
def test_the_target_is_read_from_release_json(metadata, target):
    assert Target.from_release(metadata) == target


@pytest.mark.parametrize(
    "raw",
    [
        {"task": "ranking"},
        {"task": "multiclass"},
        {"task": "binary", "classes": [1, 2]},
        {"task": "binary", "values": ["yes"]},
        {"task": "regression", "values": ["no", "yes"]},
    ],
)
def test_an_invalid_target_of_a_release_is_refused(raw):
    with pytest.raises(ValueError, match="release"):
        Target.from_release({"target": raw})


@pytest.mark.parametrize("target", [BINARY_TARGET, YES_NO, Target(positive=2), COLOURS, REGRESSION])
def test_release_json_keeps_the_target(target):
    assert Target.from_release({"target": json.loads(json.dumps(target.to_json()))}) == target


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"task": "ranking"}, "binary"),
        ({"task": "regression", "positive": 1}, "leave it out"),
        ({"task": "multiclass", "classes": CLASSES, "positive": "a"}, "leave it out"),
        ({"classes": CLASSES}, "task: multiclass"),
        ({"task": "multiclass"}, "0 are named"),
        ({"task": "multiclass", "classes": ("a", "b")}, "use task: binary and `positive_label`"),
        ({"task": "multiclass", "classes": ("a", "b", "a")}, "twice"),
        ({"task": "multiclass", "classes": ("a", "b", 3)}, "in quotes"),
        ({"negative": "no"}, "without the one that counts as 1"),
    ],
)
def test_fields_that_do_not_fit_the_task_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Target(**fields)


def test_the_model_has_an_output_for_each_class():
    assert (BINARY_TARGET.outputs, REGRESSION.outputs) == (1, 1)
    assert Target(task="multiclass", classes=CLASSES).outputs == 3
