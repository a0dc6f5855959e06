"""The number of rows that a step processed, from its outputs."""

import json

import pytest
from run_store import RunRecorder

from flightline.metadata.evaluation import Evaluation
from flightline.metadata.row_counts import count_rows
from flightline.metadata.runs import Runs

EVALUATION = Evaluation(
    {"overall": {"auc": 0.9, "example_count": 1000.0}, "a=1": {"example_count": 7.0}}, {}, [], True, []
)


@pytest.mark.parametrize(
    ("node", "outputs", "rows"),
    [
        ("ExampleGen", {"examples": {"rows_read": 12}}, 12),
        ("Evaluator", {"evaluation": {"evaluation": json.dumps(EVALUATION.to_dict())}}, 1000),
        ("Evaluator", {"evaluation": {}}, None),  # the run is going on
        ("ServingCheck", {"blessing": {"rows": 200}}, 200),
        ("Trainer", {"model_run": {}}, None),  # its folder is gone
        ("Pusher", {"pushed_model": {"pushed": 1}}, None),
    ],
)
def test_rows_of_a_finished_step(tmp_path, node, outputs, rows):
    RunRecorder(tmp_path / "metadata.db").run("a", {node: {"state": "COMPLETE", "outputs": outputs}})
    assert count_rows(Runs.open(tmp_path / "metadata.db").get("a").steps[node]) == rows


def test_failed_step_has_no_rows(tmp_path):
    steps = {"ExampleGen": {"state": "FAILED", "outputs": {"examples": {"rows_read": 12}}}}
    RunRecorder(tmp_path / "metadata.db").run("a", steps)
    assert count_rows(Runs.open(tmp_path / "metadata.db").get("a").steps["ExampleGen"]) is None
