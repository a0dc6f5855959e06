"""Each way a run can end short of done: its exit code, its one line, and nothing half-done left behind."""

import gzip
import json
import shutil
import signal
import time

import pandas as pd
import pytest
from pipeline_runs import LENIENT_SETTINGS, QUICK_TRAINING

from flightline.metadata.runs import Runs

UNTRAINED = {"Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher"}


@pytest.fixture
def one_month(flights_sample, tmp_path):
    """A copy of one month, to be spoiled."""
    folder = tmp_path / "data"
    shutil.copytree(flights_sample / "span-03", folder / "span-03")
    return folder


def spoil(folder, change):
    path = next(folder.glob("*/*.csv"))
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(rows)
    rows.to_csv(path, index=False)
    return rows


def test_the_gate_blocks_poisoned_data(run, one_month, tmp_path):
    def poison(rows):
        rows.loc[rows.index[::10], "carrier"] = "ZZ"
        rows["distance"] = (rows["distance"].astype(float) * 1609.344).round().astype(int).astype(str)  # in metres

    rows = spoil(one_month, poison)
    result = run(tmp_path / "workspace", one_month, "poisoned")
    assert result.code == 3
    labelled = rows[rows["late"] != ""]
    found = {finding["feature"]: finding for finding in result.summary["findings"]}
    assert found["carrier"]["rows"] == (labelled["carrier"] == "ZZ").sum()
    assert found["distance"]["rows"] == (labelled["distance"].astype(int) > 12000).sum()
    for shown in ("carrier", "ZZ", f"{found['carrier']['rows']:,}", "distance"):
        assert shown in result.out
    assert result.last_line.startswith("flightline: the data gate stopped the run: ")
    assert str(result.folder / "log.txt") in result.last_line
    assert not UNTRAINED & set(result.steps)
    assert result.released == []
    counted = result.summary["rows"]
    assert counted["read"] == len(rows) == sum(counted["splits"].values()) + sum(counted["rejected"].values())
    report = (result.folder / "report.html").read_text()
    for told in ("Stopped by the data gate", "Data gate findings", "anomaly", "not run"):
        assert told in report


def test_the_gate_blocks_too_many_unparsable_rows(run, one_month, tmp_path):
    def poison(rows):
        rows.loc[rows.index[:30], "distance"] = "far"

    rows = spoil(one_month, poison)
    (tmp_path / "workspace" / "index.html").mkdir(parents=True)  # in the way of the index, which ends no run
    result = run(tmp_path / "workspace", one_month, "ragged")
    assert result.code == 3
    assert "the report could not be written: IsADirectoryError" in result.out
    assert result.summary["rows"]["rejected"]["unparsable"] == 30
    assert "30 of them because of column distance, for example: " in result.summary["findings"][0]["problem"]
    assert result.summary["rows"]["read"] == len(rows)
    rejected = pd.read_csv(result.summary["rejected_file"])
    assert list(rejected[rejected["reason"] == "unparsable"]["line"]) == list(range(2, 32))


@pytest.mark.parametrize(
    ("thresholds", "metric", "where"),
    [
        ("evaluation.thresholds={AUC: {lower: 0.9999}}", "auc", "overall"),
        (
            "evaluation.per_slice=[{slice: [origin], thresholds: {BinaryAccuracy: {lower: 0.9999}}}]",
            "binary_accuracy",
            "origin=",
        ),
    ],
)
def test_a_model_that_misses_a_threshold_is_not_released(run, trained, flights_sample, thresholds, metric, where):
    before = trained.released
    name = f"missed-{metric}"
    result = run(trained.workspace, flights_sample, name, settings=(*QUICK_TRAINING, thresholds))
    assert result.code == 4
    assert trained.released == before
    assert "NOT BLESSED" in result.out
    assert f"{metric} on {where}" in result.last_line
    assert "must be ≥ 0.9999 (missed by " in result.last_line
    steps = result.steps
    assert steps["Pusher"].output("pushed_model").custom_properties["pushed"].int_value == 0
    assert {steps[node].state for node in ("ExampleGen", "StatisticsGen", "Transform", "Trainer")} == {"CACHED"}


def test_a_model_with_too_large_gaps_between_slices_is_not_released(run, trained, flights_sample, command):
    before = trained.released
    settings = (
        *LENIENT_SETTINGS,
        "evaluation.bins={distance: {quantiles: 2}}",
        "evaluation.gaps={AUC: {columns: [distance], max_gap: 0.00001, min_slice_size: 50}}",
    )
    result = run(trained.workspace, flights_sample, "apart", settings=settings)
    assert result.code == 4
    assert trained.released == before
    (gap,) = result.summary["evaluation"]["gaps"]
    assert "distance=below " in gap["best"] + gap["worst"]
    told = f"the gap in auc by distance is {gap['best_value'] - gap['worst_value']:.4g} between {gap['best']} ("
    assert told in result.last_line
    assert f"{gap['worst_rows']:,} rows), must be ≤ 1e-05 (missed by " in result.last_line
    assert "Gaps between slices" in (result.folder / "report.html").read_text()
    why = json.loads(command(trained.workspace, "why", "apart", "--json").stdout)
    (check,) = (check for check in why["checks"] if check["slice"] == "gap by distance")
    assert not check["met"]
    assert gap["worst"] in check["bound"]
    evaluation = result.steps["Evaluator"].output("evaluation").id
    lineage = json.loads(command(trained.workspace, "lineage", f"artifact:{evaluation}", "--json").stdout)
    assert gap["worst"] in lineage["gaps"][0]
    assert {result.steps[node].state for node in ("Transform", "Trainer")} == {"CACHED"}


def test_a_candidate_worse_than_the_champion_is_not_released(run, trained, flights_sample):
    before = trained.released
    worse = (
        "train.learning_rate=0.00001",
        "model.trees=0",
        "evaluation.thresholds={AUC: {vs_champion: 0.01}}",
        "evaluation.per_slice=[]",
    )
    result = run(trained.workspace, flights_sample, "worse", settings=worse)
    assert result.code == 4
    assert trained.released == before
    assert "auc minus the champion's on overall" in result.last_line
    assert result.summary["evaluation"]["champion"]["overall"]["auc"] > 0.7


def test_a_model_that_is_too_slow_to_serve_is_not_released(run, trained, flights_sample):
    before = trained.released
    result = run(trained.workspace, flights_sample, "slow", "--set", "serving_check.latency_ms=0.01")
    assert result.code == 4
    assert trained.released == before
    assert "the serving check refused the model" in result.last_line


def test_an_exception_in_a_component_fails_the_run(run, trained, flights_sample, tmp_path):
    (tmp_path / "boom.py").write_text(
        "def preprocessing_fn(inputs, custom_config):\n    raise RuntimeError('the disk\\nis on fire')\n"
    )
    options = ("--set", "user_code.preprocessing_fn=boom.preprocessing_fn")
    result = run(trained.workspace, flights_sample, "raises", *options, modules=tmp_path)
    assert result.code == 1
    assert "Transform failed: " in result.last_line
    assert "the disk is on fire" in result.last_line
    assert "Traceback" not in result.out + result.err
    assert "Traceback" in result.log
    assert result.steps["Transform"].state == "FAILED"
    assert "the disk is on fire" in result.steps["Transform"].message
    assert not {"Trainer", "Evaluator", "Pusher"} & set(result.steps)


def test_an_input_that_cannot_be_resolved_is_a_failure(run, trained, flights_sample, tmp_path):
    # TFX publishes FAILED for such a node, and the runner returns normally.
    (tmp_path / "unresolvable.py").write_text(
        """
from tfx import v1 as tfx
from flightline.metadata.store import connection_config

def create_pipeline(config, cache):
    examples = tfx.dsl.Channel(type=tfx.types.standard_artifacts.Examples, producer_component_id="nobody")
    return tfx.dsl.Pipeline(
        pipeline_name="unresolvable", pipeline_root=str(config.artifacts),
        components=[tfx.components.StatisticsGen(examples=examples)],
        metadata_connection_config=connection_config(config),
    )
"""
    )
    options = ("--set", "user_code.training_pipeline=unresolvable.create_pipeline")
    result = run(tmp_path / "workspace", flights_sample, "unresolvable", *options, modules=tmp_path)
    assert result.code == 1
    assert "StatisticsGen could not start" in result.last_line
    assert result.steps["StatisticsGen"].state == "FAILED"


def test_an_unreadable_input_file_is_an_input_error(run, one_month, tmp_path):
    path = next(one_month.glob("*/*.csv"))
    whole = gzip.compress(path.read_bytes())
    path.with_suffix(".csv.gz").write_bytes(whole[: len(whole) // 2])
    path.unlink()
    result = run(tmp_path / "workspace", one_month, "cut", "--set", "data.pattern=span-*/*.csv.gz")
    assert result.code == 2
    assert "flights.csv.gz" in result.last_line
    assert not (result.workspace / "artifacts").exists() or not list(result.workspace.glob("artifacts/**/Split-*"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "train.epoch=3"), "unknown key train.epoch: did you mean epochs?"),
        (("--set", "label=lat"), "did you mean late?"),
        (("--set", "evaluation.slices=[[orgin]]"), "did you mean origin?"),
        (("--set", "data.input=nowhere"), "no file matches"),
        (("--set", "schema=nowhere.pbtxt"), "nowhere.pbtxt"),
        (("--config", "configs/flight.yaml"), "did you mean configs/flights.yaml"),
        (("--from", "Trainr"), "did you mean Trainer"),
        (("--span", "3"), "{SPAN}"),
        (("--from", "Pusher", "--to", "ExampleGen"), "no node lies between --from Pusher and --to ExampleGen"),
        (("--from", "Trainer"), "--from Trainer needs an earlier run for the nodes before it, and there is none"),
        (("--set", "evaluation.thresholds={}", "--set", "evaluation.per_slice=[]"), "evaluation.thresholds is empty"),
        (("--set", "data.pattern=/etc/*.csv"), "the pattern is relative to data.input"),
    ],
)
def test_wrong_options_are_errors_before_the_run_starts(run, flights_sample, tmp_path, options, told):
    result = run(tmp_path / "workspace", flights_sample, "refused", *options)
    assert result.code == 2
    assert told in result.last_line
    assert not (tmp_path / "workspace" / "metadata.db").exists()


def test_a_run_id_cannot_be_used_twice(run, trained, flights_sample):
    result = run(trained.workspace, flights_sample, "first")
    assert result.code == 2
    assert "the run first already exists" in result.last_line


def test_an_unwritable_workspace_is_an_error(run, flights_sample, tmp_path):
    (tmp_path / "workspace").write_text("a file")
    result = run(tmp_path / "workspace", flights_sample, "nowhere")
    assert result.code == 2
    assert "cannot be written" in result.last_line


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_run_is_reported_and_the_next_run_continues(start, run, flights_sample, tmp_path, how):
    workspace = tmp_path / "workspace"
    process = start(workspace, flights_sample, "interrupted")
    for line in process.stdout:
        if "Transform: running" in line:
            break
    time.sleep(1)  # it is announced just before ML Metadata knows of it
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip().splitlines() == [err.strip()]  # one line, and no library after it
    assert err.startswith("flightline: interrupted in Transform; --resume continues")
    assert "Traceback" not in out
    again = run(workspace, flights_sample, "again", "--to", "Transform")
    assert again.code == 0, again.err
    assert again.steps["ExampleGen"].state == "CACHED"
    steps = Runs.open(workspace / "metadata.db").get("interrupted").steps
    assert steps["Transform"].state == "CANCELED"
