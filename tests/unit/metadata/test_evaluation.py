"""What an evaluation says of candidate and champion, in words."""

import pytest

from flightline.metadata.evaluation import ChampionDifference, Evaluation, MissedThreshold

DIFFERENCE = ChampionDifference("auc", 0.0042, 0.0029, 0.0056, 0.95)


def make(**changes):
    return Evaluation(
        {"overall": {"auc": 0.9}},
        **{"champion": {}, "misses": [], "blessed": True, "slices_without_rows": [], **changes},
    )


def test_a_difference_has_its_interval():
    assert DIFFERENCE.description == "auc +0.0042 (95% interval +0.0029 to +0.0056)"


def test_a_difference_without_an_interval_is_as_measured():
    assert ChampionDifference("root_mean_squared_error", -2.5).description == "root_mean_squared_error -2.5000"


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
            {"champion_load_error": "x is not there"},
            "its thresholds alone: the champion could not be loaded (x is not there)",
        ),
    ],
)
def test_nothing_is_claimed_that_was_not_compared(changes, against):
    assert make(**changes).against == against


def test_a_miss_by_confidence_says_what_was_too_low():
    miss = MissedThreshold("auc", "overall", -0.0041, "≥", -0.002, True, 0.95)
    said = "the lower end of auc against the champion (95% interval) on overall is -0.0041, must be ≥ -0.002"
    assert miss.sentence == f"{said} (missed by 0.0021)"


def test_it_reads_back_and_so_does_one_of_before():
    kept = make(differences=[DIFFERENCE], champion_load_error="gone").to_dict()
    assert Evaluation.from_dict(kept).differences == [DIFFERENCE]
    for newer in ("differences", "champion_load_error"):
        del kept[newer]
    kept["misses"] = [{"metric": "auc", "slice": "overall", "value": 0.1, "side": "≥", "bound": 0.2, "sentence": "..."}]
    assert Evaluation.from_dict(kept).misses[0].confidence is None
