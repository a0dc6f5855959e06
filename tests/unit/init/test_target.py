import re

import pytest

from flightline.errors import UsageError

X = [float(f"{row * 7919 % 101}.5") for row in range(120)]


def target(profile, labels, **options):
    return profile({"x": X, "y": [labels[row % len(labels)] for row in range(len(X))]}, **options).target


@pytest.mark.parametrize(
    ("labels", "classes", "positive"),
    [
        ([0, 0, 1], (), 1),
        (["no", "yes", "yes"], ("no", "yes"), "yes"),
        (["TRUE", "FALSE", "TRUE"], ("FALSE", "TRUE"), "TRUE"),
        ([1, 2, 2], (2, 1), 1),  # neither 1 nor 2 means yes: the rarer value
        (["benign", "malignant", "benign"], ("benign", "malignant"), "malignant"),
        (["a", "b"], ("a", "b"), "b"),  # equally frequent: the last in order
        ([-1, 1, 1], (1, -1), -1),
    ],
)
def test_the_positive_class_of_two_values_is_chosen_with_a_reason(profile, labels, classes, positive):
    found = target(profile, labels)
    assert (found.task, found.classes, found.positive) == ("binary", classes, positive)
    assert found.why
    assert found.positive_reason
    assert sum(found.rates) == pytest.approx(1)


def test_a_word_for_a_bad_outcome_is_the_positive_class(profile):
    found = target(profile, ["bad", "bad", "good"])
    assert found.positive == "bad"
    assert "warn of" in found.positive_reason


def test_the_user_can_choose_the_positive_class(profile):
    assert target(profile, ["no", "yes"], positive="no").classes == ("yes", "no")
    assert target(profile, [0, 1], positive="0").classes == (1, 0)
    with pytest.raises(UsageError, match="maybe"):
        target(profile, ["no", "yes"], positive="maybe")


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["a", "b", "c"], "multiclass"),
        ([1, 2, 3, 4, 5], "multiclass"),
        ([0.5, 1.5, 2.0, 7.25], "regression"),
        (range(100), "regression"),
    ],
)
def test_labels_of_more_than_two_values_are_multiclass_or_regression(profile, labels, task):
    assert target(profile, list(labels)).task == task


def test_the_user_can_choose_a_possible_task(profile):
    assert target(profile, [1, 2, 3], task="regression").task == "regression"
    with pytest.raises(UsageError, match="is text"):
        target(profile, ["a", "b", "c"], task="regression")
    with pytest.raises(UsageError, match="3 values"):
        target(profile, ["a", "b", "c"], task="binary")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1], "only 1"),
        ([None], "no value at all"),
        ([f"t{n}" for n in range(60)], "too many classes.*group them"),
        ([f"${n},000" for n in range(1, 61)], "numbers in an unsupported format, such as '[$]1"),
        ([f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(60)], "they are dates"),
    ],
)
def test_an_unusable_label_is_rejected(profile, labels, message):
    with pytest.raises(UsageError) as error:
        target(profile, labels)
    assert re.search(message, str(error.value))
