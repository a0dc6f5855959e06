"""What a model's outputs are as answers."""

import numpy as np
import pytest

from flightline.serving.target import BINARY_TARGET, Target

COLOURS = Target("multiclass", ("red", "green", "blue"))
AMOUNT = Target("regression")
ANSWERED = Target("binary", values=("no", "yes"))


def test_a_probability_is_labelled_from_the_threshold_on():
    answers = BINARY_TARGET.answers(np.array([[0.25], [0.5]], np.float32), 0.5)
    assert answers.rows() == [{"probability": 0.25, "label": 0}, {"probability": 0.5, "label": 1}]


def test_a_label_of_two_words_is_told_in_words():
    answers = ANSWERED.answers(np.array([[0.25], [0.5]], np.float32), 0.5)
    assert answers.rows() == [{"probability": 0.25, "label": "no"}, {"probability": 0.5, "label": "yes"}]
    assert answers.labels.tolist() == [0, 1]  # as the log counts them


def test_of_classes_the_likeliest_is_the_label_and_all_are_there():
    answers = COLOURS.answers(np.array([[0.25, 0.5, 0.25]], np.float32), 0.9)
    shares = {"red": 0.25, "green": 0.5, "blue": 0.25}
    assert answers.rows() == [{"probability": 0.5, "label": "green", "probabilities": shares}]


def test_an_amount_has_no_label():
    assert AMOUNT.answers(np.array([[-3.5]], np.float32), 0.5).rows() == [{"prediction": -3.5}]


@pytest.mark.parametrize(
    ("target", "outputs", "problem"),
    [
        (BINARY_TARGET, [[0.5]], ""),
        (BINARY_TARGET, [[1.5]], "not with probabilities"),
        (BINARY_TARGET, [[float("nan")]], "not with probabilities"),
        (BINARY_TARGET, [[0.5, 0.5]], "2 numbers for a row"),
        (COLOURS, [[0.5, 0.5]], "2 numbers for a row"),
        (COLOURS, [[0.1, 0.2, 0.7]], ""),
        (AMOUNT, [[1e9]], ""),
        (AMOUNT, [[float("inf")]], "not with finite"),
    ],
)
def test_what_is_no_answer_is_told(target, outputs, problem):
    said = target.find_problem(np.array(outputs, np.float32))
    assert problem in said
    assert bool(said) == bool(problem)


@pytest.mark.parametrize(
    ("about", "target"),
    [
        ({}, BINARY_TARGET),
        ({"target": None}, BINARY_TARGET),
        ({"target": {"task": "binary", "positive": "yes", "classes": []}}, BINARY_TARGET),
        ({"target": {"task": "binary", "positive": "yes", "classes": [], "values": ["no", "yes"]}}, ANSWERED),
        ({"target": {"task": "regression"}}, AMOUNT),
        ({"target": {"task": "multiclass", "classes": ["red", "green", "blue"]}}, COLOURS),
    ],
)
def test_a_release_says_what_it_predicts(about, target):
    assert Target.from_release(about) == target


@pytest.mark.parametrize(
    "said",
    [
        {"task": "ranking"},
        {"task": "multiclass"},
        {"task": "binary", "classes": [1, 2]},
        {"task": "binary", "values": ["yes"]},
        {"task": "regression", "values": ["no", "yes"]},
    ],
)
def test_a_release_that_says_nonsense_is_refused(said):
    with pytest.raises(ValueError, match="release"):
        Target.from_release({"target": said})
