"""How far candidate and champion are apart, as the files of an evaluation have it."""

import json

import pytest

from flightline.executors.evaluator.comparison import COMPARISON_FILE
from flightline.metadata.evaluation import ChampionDifference
from flightline.runs.evaluation_reader import read_differences

AUC = {"metric": "auc", "difference": 0.01, "lower": 0.0, "upper": 0.02, "confidence": 0.95}
AMOUNTS = {"mean_absolute_error": 3.0, "root_mean_squared_error": 5.0, "example_count": 9.0}
CHAMPION = {"mean_absolute_error": 4.0, "root_mean_squared_error": 5.5, "example_count": 9.0}


def keep(folder, *intervals):
    (folder / COMPARISON_FILE).write_text(json.dumps({"rows": 9, "replicates": 400, "intervals": intervals}))


def test_differences_compared_by_row_have_intervals(tmp_path):
    keep(tmp_path, AUC)
    assert read_differences(str(tmp_path), {"auc": 0.9}, {"auc": 0.89}, ["auc"]) == [ChampionDifference(**AUC)]


@pytest.mark.parametrize("intervals", [None, [], [AUC]])
def test_differences_without_a_row_comparison_have_no_intervals(tmp_path, intervals):
    if intervals is not None:
        keep(tmp_path, *intervals)
    found = read_differences(str(tmp_path), AMOUNTS, CHAMPION, ["root_mean_squared_error"])
    assert found == [ChampionDifference("root_mean_squared_error", -0.5)]
    assert len(read_differences(str(tmp_path), AMOUNTS, CHAMPION, [])) == 2


def test_without_a_champion_there_are_no_differences(tmp_path):
    assert read_differences(str(tmp_path), AMOUNTS, {}, []) == []
