"""A sample of the flights through the whole DAG, on both runners."""

import json
from pathlib import Path

import pandas as pd
import pytest

NODES = {
    "Champion",
    "CuratedSchema",
    "DataGate",
    "Evaluator",
    "ExampleGen",
    "ExampleValidator",
    "Pusher",
    "SchemaGen",
    "ServingCheck",
    "StatisticsGen",
    "Trainer",
    "Transform",
}
NOISE = ("tensorflow", "WARNING", "absl", "apache_beam", "Traceback", "FutureWarning", "cuda")


@pytest.fixture(scope="session")
def on_beam(run_fresh, flights_sample, tmp_path_factory):
    workspace = tmp_path_factory.mktemp("beam") / "workspace"
    return run_fresh(workspace, flights_sample, "first", script="runner_beam.py")


@pytest.fixture(params=["local", "beam"])
def whole(request):
    """A whole run on each runner."""
    return request.getfixturevalue({"local": "trained", "beam": "on_beam"}[request.param])


def test_the_run_succeeds_and_every_step_is_in_ml_metadata(whole):
    assert whole.code == 0, whole.err
    assert {node: step.state for node, step in whole.steps.items()} == dict.fromkeys(NODES, "COMPLETE")


def test_every_row_is_accounted_for(whole, flights_sample):
    rows = pd.concat([pd.read_csv(file) for file in flights_sample.glob("*/*.csv")])
    counted = whole.summary["rows"]
    assert counted["read"] == len(rows)
    assert counted["rejected"] == {"missing_label": int(rows["late"].isna().sum()), "unparsable": 0}
    assert sum(counted["splits"].values()) == rows["late"].notna().sum()
    assert whole.summary["evaluation"]["metrics"]["overall"]["example_count"] == counted["splits"]["eval"]


def test_rejected_rows_are_kept_in_a_file(whole, flights_sample):
    rejected = pd.read_csv(whole.summary["rejected_file"])
    assert len(rejected) == whole.summary["rows"]["rejected"]["missing_label"]
    first = rejected.iloc[0]
    assert Path(first["file"]).read_text().splitlines()[first["line"] - 1] == first["text"]


def test_a_validated_model_is_released_and_current(whole):
    folder, version = Path(whole.summary["release"]).parent, Path(whole.summary["release"]).name
    assert whole.current == version
    assert (folder / version / "saved_model.pb").exists()
    about = json.loads((folder / version / "release.json").read_text())
    assert about["run"] == whole.run_id
    assert about["metrics"]["auc"] == whole.summary["evaluation"]["metrics"]["overall"]["auc"]


def test_the_screen_shows_the_progress_and_the_results_only(whole):
    for expected in (*NODES, "Rows ", "auc", "BLESSED", "Release", "Next"):
        assert expected in whole.out
    for noise in NOISE:
        assert noise not in whole.out + whole.err
    assert whole.err == ""
    assert "\x1b" not in whole.out  # no terminal, no control codes


def test_messages_of_libraries_are_in_the_log(whole):
    assert "absl" in whole.log or "INFO" in whole.log or "I0" in whole.log


def test_the_config_of_the_run_is_kept_with_it(whole):
    from flightline.config.loader import load_config

    kept = load_config(whole.folder / "config.yaml")
    assert kept.workspace == whole.workspace
    assert kept.evaluation.thresholds["AUC"].lower == 0.7


def test_the_report_shows_the_run_and_the_index_links_it(whole):
    page = (whole.folder / "report.html").read_text()
    sections = ("verdict", "card", "metrics", "training", "steps", "rows", "data", "lineage", "provenance")
    assert [name for name in sections if f'id="{name}"' not in page] == []
    for expected in (
        "Released",
        "ROC curve",
        "Calibration",
        "Training loss",
        "dep_delay",
        "carrier=UA",
        "Pusher",
    ):
        assert expected in page
    kept = json.loads((whole.folder / "report.json").read_text())
    assert kept["curves"]["candidate"]["roc"][-1] == [1.0, 1.0]
    by_hand = {step["node"]: step["upstream"] for step in kept["steps"]}
    assert "DataGate" in by_hand["Transform"]  # an order that no artifact tells
    assert 'href="runs/first/report.html"' in (whole.workspace / "index.html").read_text()
    assert "report.html" in whole.out


def test_both_runners_make_the_same_model(trained, on_beam):
    assert on_beam.summary["evaluation"]["metrics"] == trained.summary["evaluation"]["metrics"]


def test_slices_are_measured(trained):
    metrics = trained.summary["evaluation"]["metrics"]
    assert {"overall", "origin=JFK", "carrier=UA", "month=7"} <= set(metrics)
    by_origin = [values["example_count"] for name, values in metrics.items() if name.startswith("origin=")]
    assert sum(by_origin) == metrics["overall"]["example_count"]
    assert {"auc", "binary_accuracy", "calibration", "precision", "recall", "binary_crossentropy"} <= set(
        metrics["overall"]
    )


def test_reading_commands_answer(trained, command):
    [entry] = [e for e in json.loads(command(trained.workspace, "runs", "--json").stdout) if e["run"] == "first"]
    assert entry["state"] == "COMPLETE"
    assert entry["blessed"] is True
    shown = command(trained.workspace, "show", "first")
    assert "origin=JFK" in shown.stdout
    assert json.loads(command(trained.workspace, "show", "first", "--json").stdout)["summary"]["exit_code"] == 0
    releases = json.loads(command(trained.workspace, "releases", "--json").stdout)
    assert {"first"} <= {release["run"] for release in releases}


def test_the_changes_are_in_the_audit_log(trained, command):
    told = command(trained.workspace, "audit", "--verify", "--json")
    assert told.returncode == 0, told.stderr
    mine = [entry for entry in json.loads(told.stdout) if entry["facts"].get("run") == "first"]
    assert [entry["event"] for entry in mine] == ["run started", "gate passed", "blessed", "pushed", "run ended"]
    assert mine[3]["facts"]["release"] == trained.current
    assert mine[4]["facts"]["exit_code"] == 0
    assert "run started" in command(trained.workspace, "audit").stdout


def test_the_store_can_be_read_with_tfx_tools(trained):
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(trained.workspace / "metadata.db")
    store = mlmd.MetadataStore(config)
    kinds = {kind.name for kind in store.get_artifact_types()}
    assert {"Examples", "ExampleStatistics", "Schema", "ExampleAnomalies", "TransformGraph", "Model"} <= kinds
    assert {"ModelEvaluation", "ModelBlessing", "InfraBlessing", "PushedModel"} <= kinds
