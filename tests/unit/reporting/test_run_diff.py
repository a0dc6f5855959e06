"""The differences between two runs."""

import json

import pytest
from report_examples import METRICS
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.provenance import PROVENANCE_FILE, Provenance
from flightline.metadata.runs import Runs
from flightline.reporting.html.data import Change
from flightline.reporting.run_diff import diff_runs


@pytest.fixture
def config(tmp_path):
    return Config.model_validate(
        {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
    )


def record_run(config, run_id, auc, rows, epochs=2, commit="0123abc"):
    metrics = {"overall": {**METRICS, "auc": auc}, "a=1": {"auc": auc - 0.01}, "a=2": {"auc": auc * auc}}
    evaluation = json.dumps(Evaluation(metrics, {}, [], True, []).to_dict())
    examples = {"rows_read": rows, "rows_split_train": rows - 3, "rows_rejected_unparsable": 3}
    steps = {
        "ExampleGen": {"state": "COMPLETE", "outputs": {"examples": examples}},
        "Evaluator": {"state": "COMPLETE", "outputs": {"evaluation": {"evaluation": evaluation}}},
    }
    RunRecorder(config.metadata_db).run(run_id, steps)
    folder = config.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"train: {{epochs: {epochs}}}")
    (folder / PROVENANCE_FILE).write_text(Provenance(commit, commit == "dirty", 1).to_json())


def diff(config):
    runs = Runs.open(config)
    return diff_runs(config, runs.get("a"), runs.get("b"))


def test_equal_runs_have_an_empty_diff(config):
    record_run(config, "a", 0.9, 10)
    record_run(config, "b", 0.9, 10)
    assert diff(config).is_empty


def test_config_code_rows_and_metrics_that_differ(config):
    record_run(config, "a", 0.9, 10)
    record_run(config, "b", 0.8, 12, epochs=3, commit="dirty")
    found = diff(config)
    assert not found.is_empty
    assert found.config == [Change("train.epochs", "2", "3")]
    assert found.code == [Change("commit", "0123abc", "dirty with uncommitted changes")]
    assert found.data == [Change("rows read", 10, 12), Change("rows train", 7, 9)]
    assert [(change.slice, change.metric) for change in found.metrics] == [
        ("overall", "auc"),  # all rows first, then the widest difference
        ("a=2", "auc"),
        ("a=1", "auc"),
    ]
    assert found.metrics[0].difference == pytest.approx(0.1)
    json.dumps(found.to_dict(), allow_nan=False)
