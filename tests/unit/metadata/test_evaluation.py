"""Evaluations as data and in words: differences to the champion, thresholds that were missed."""

import math
from dataclasses import replace

import pytest

from flightline.metadata.evaluation import ChampionDifference, Evaluation, MissedThreshold

METRICS = {
    "overall": {"auc": 0.94, "calibration": 0.99, "binary_crossentropy": 0.2, "example_count": 1000.0},
    "origin=JFK": {"auc": 0.90, "calibration": 1.02, "binary_crossentropy": 0.3, "example_count": 600.0},
    "origin=LGA": {"auc": 0.95, "calibration": 0.90, "binary_crossentropy": 0.1, "example_count": 390.0},
    "origin=[bold]": {"auc": 0.10, "calibration": 9.0, "binary_crossentropy": 9.0, "example_count": 10.0},
}
DIFFERENCE = ChampionDifference("auc", 0.0042, 0.0029, 0.0056, 0.95)


def make(**changes):
    return Evaluation(
        {"overall": {"auc": 0.9}},
        **{"champion": {}, "missed_thresholds": [], "blessed": True, "slices_without_rows": [], **changes},
    )


def test_difference_is_described_with_its_interval():
    assert DIFFERENCE.description == "auc +0.0042 (95% interval +0.0029 to +0.0056)"


def test_difference_without_interval_is_described_by_its_value():
    assert ChampionDifference("root_mean_squared_error", -2.5).description == "root_mean_squared_error -2.5000"


@pytest.mark.parametrize(
    ("changes", "compared_with"),
    [
        ({}, "its thresholds (there is no champion)"),
        ({"champion": {"overall": {"auc": 0.8}}}, "its thresholds and the champion"),
        (
            {"champion_load_error": "x is not there"},
            "its thresholds only: the champion could not be loaded (x is not there)",
        ),
    ],
)
def test_compared_with_names_the_champion_only_if_it_was_compared(changes, compared_with):
    assert make(**changes).compared_with == compared_with


def test_threshold_missed_by_the_lower_end_of_an_interval_says_so():
    miss = MissedThreshold("auc", "overall", -0.0041, "≥", -0.002, True, 0.95)
    sentence = "the lower end of auc minus the champion's (95% interval) on overall is -0.0041, must be ≥ -0.002"
    assert miss.sentence == f"{sentence} (missed by 0.0021)"


def test_evaluation_is_read_back_equal():
    miss = MissedThreshold("auc", "overall", 0.1, "≥", 0.2)
    evaluation = make(differences=[DIFFERENCE], champion_load_error="the folder is gone", missed_thresholds=[miss])
    assert Evaluation.from_dict(evaluation.to_dict()) == evaluation


@pytest.mark.parametrize(
    ("miss", "sentence"),
    [
        (
            MissedThreshold("auc", "overall", 0.9, "≥", 0.925),
            "auc on overall is 0.9, must be ≥ 0.925 (missed by 0.025)",
        ),
        (
            MissedThreshold("auc", "overall", -0.02, "≥", -0.01, True),
            "auc minus the champion's on overall is -0.02, must be ≥ -0.01",
        ),
        (MissedThreshold("calibration", "a=1", None, "≤", 1.1), "calibration on a=1 has no value, must be ≤ 1.1"),
        (
            MissedThreshold("squared_pearson_correlation", "overall", None, "≥", 0.02),
            "squared_pearson_correlation on overall has no value: all predictions, or all labels, are equal, "
            "must be ≥ 0.02",
        ),
    ],
)
def test_missed_threshold_in_words(miss, sentence):
    assert miss.sentence.startswith(sentence)
    assert miss.value is not None or math.isinf(miss.margin)


@pytest.mark.parametrize(
    ("metric", "worst"), [("auc", "origin=JFK"), ("binary_crossentropy", "origin=JFK"), ("calibration", "origin=LGA")]
)
def test_worst_slice_follows_the_direction_of_the_metric(metric, worst):
    evaluation = replace(make(), metrics=METRICS)
    assert evaluation.worst_slice(metric, min_slice_size=50)[0] == worst


@pytest.mark.parametrize(("rows", "smallest"), [(1000, 50), (100_000, 200)])
def test_slices_need_a_fraction_of_the_rows_and_at_least_fifty_to_be_the_worst(rows, smallest):
    assert replace(make(), metrics={"overall": {"example_count": rows}}).min_slice_rows == smallest
