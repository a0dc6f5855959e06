"""What an evaluation says of candidate and champion, in words."""

import pytest

from pipeline.verdict import Difference, Evaluation, Miss

DIFFERENCE = Difference("auc", 0.0042, 0.0029, 0.0056, 0.95)


def make(**changes):
    return Evaluation(
        {"overall": {"auc": 0.9}}, **{"champion": {}, "misses": [], "blessed": True, "unchecked": [], **changes}
    )


def test_a_difference_has_its_interval():
    assert DIFFERENCE.in_words == "auc +0.0042 (95% interval +0.0029 to +0.0056)"


def test_a_difference_without_an_interval_is_as_measured():
    assert Difference("root_mean_squared_error", -2.5).in_words == "root_mean_squared_error -2.5000"


def test_an_interval_of_what_was_not_measured_is_not_shown():
    kept = make(differences=[DIFFERENCE]).to_dict()
    kept["metrics"] = {"overall": {"mean_squared_error": 4.0}}  # as amounts had them
    assert Evaluation.from_dict(kept).differences == []


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({}, "its thresholds (there is no champion)"),
        ({"champion": {"overall": {"auc": 0.8}}}, "its thresholds and the champion"),
        (
            {"champion_problem": "x is not there"},
            "its thresholds alone: the champion could not be loaded (x is not there)",
        ),
    ],
)
def test_nothing_is_claimed_that_was_not_compared(changes, against):
    assert make(**changes).against == against


def test_a_miss_by_confidence_says_what_was_too_low():
    miss = Miss("auc", "overall", -0.0041, "≥", -0.002, True, 0.95)
    said = "the lower end of auc against the champion (95% interval) on overall is -0.0041, must be ≥ -0.002"
    assert miss.sentence == f"{said} (missed by 0.0021)"


def test_it_reads_back_and_so_does_one_of_before():
    kept = make(differences=[DIFFERENCE], champion_problem="gone").to_dict()
    assert Evaluation.from_dict(kept).differences == [DIFFERENCE]
    for newer in ("differences", "champion_problem"):
        del kept[newer]
    kept["misses"] = [{"metric": "auc", "slice": "overall", "value": 0.1, "side": "≥", "bound": 0.2, "sentence": "..."}]
    assert Evaluation.from_dict(kept).misses[0].confidence is None
