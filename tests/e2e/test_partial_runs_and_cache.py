"""Parts of the DAG, spans, and what the cache takes from before."""

import json
import os
import shutil

from flightline.metadata.properties import properties_of


def test_a_second_run_caches_every_unchanged_step(run, trained, flights_sample):
    again = run(trained.workspace, flights_sample, "again")
    assert again.code == 0
    unchanged = {"CuratedSchema", "ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "DataGate"}
    unchanged |= {"Transform", "Trainer", "ServingCheck"}
    assert {again.steps[node].state for node in unchanged} == {"CACHED"}
    assert f"(from {trained.run_id}: nothing it depends on has changed)" in again.out
    # The first run's model is the champion now: the Evaluator holds the candidate to it.
    assert again.summary["evaluation"]["champion"]["overall"] == trained.summary["evaluation"]["metrics"]["overall"]


def test_no_cache_runs_every_step_again(run, trained, flights_sample):
    result = run(trained.workspace, flights_sample, "fresh", "--no-cache", "--to", "SchemaGen")
    assert result.code == 0
    assert result.steps["ExampleGen"].state == "COMPLETE"


def test_an_edit_of_the_data_runs_the_steps_again(run, flights_sample, tmp_path):
    # Same size, same second: TFX's own fingerprint (size and time) would say that nothing has changed.
    data = tmp_path / "data" / "span-01"
    data.mkdir(parents=True)
    text = (flights_sample / "span-01" / "flights.csv").read_text()
    (data / "flights.csv").write_text(text)
    stamp = (data / "flights.csv").stat()
    workspace = tmp_path / "workspace"
    assert run(workspace, data.parent, "before", "--to", "ExampleGen").code == 0
    (data / "flights.csv").write_text(text.replace(",EWR,", ",JFK,", 1))
    os.utime(data / "flights.csv", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = run(workspace, data.parent, "after", "--to", "ExampleGen")
    assert after.steps["ExampleGen"].state == "COMPLETE"


def test_a_touched_file_runs_no_step_again(run, flights_sample, tmp_path):
    shutil.copytree(flights_sample / "span-01", tmp_path / "data" / "span-01")
    assert run(tmp_path / "workspace", tmp_path / "data", "before", "--to", "SchemaGen").code == 0
    os.utime(tmp_path / "data" / "span-01" / "flights.csv", (0, 0))
    after = run(tmp_path / "workspace", tmp_path / "data", "after", "--to", "SchemaGen")
    assert {step.state for step in after.steps.values()} == {"CACHED"}


def test_an_edit_of_the_model_runs_trainer_and_later_steps_only(run, trained, flights_sample, tmp_path):
    """User code elsewhere than in `models`: the same network, and a file of its own that is edited."""
    (tmp_path / "network.py").write_text("from models.trainer import run_fn\n")
    options = ("--set", "user_code.run_fn=network.run_fn")
    first = run(trained.workspace, flights_sample, "own", *options, modules=tmp_path)
    assert first.code == 0, first.err
    (tmp_path / "network.py").write_text("from models.trainer import run_fn  # edited\n")
    edited = run(trained.workspace, flights_sample, "edited", *options, modules=tmp_path)
    ran = {node for node, step in edited.steps.items() if step.state == "COMPLETE"}
    # The same weights come of it, so that what reads the model has nothing new to read.
    assert ran - {"Champion"} == {"Trainer"}
    assert "code)" in next(line for line in edited.out.splitlines() if "Trainer: ran" in line)


def test_a_run_to_a_node_ends_there_without_a_release(run, trained, flights_sample):
    result = run(trained.workspace, flights_sample, "part", "--to", "StatisticsGen")
    assert result.code == 0
    assert result.steps["StatisticsGen"].done
    assert not {"DataGate", "Transform", "Trainer", "Pusher"} & set(result.steps)
    assert result.summary["release"] is None


def test_a_run_from_a_node_uses_the_outputs_of_the_latest_run(run, trained, flights_sample):
    whole = run(trained.workspace, flights_sample, "whole")
    assert whole.code == 0
    result = run(trained.workspace, flights_sample, "rest", "--from", "Evaluator", "--no-cache")
    assert result.code == 0
    assert result.steps["Evaluator"].state == "COMPLETE"
    assert result.steps["Trainer"].state == "CACHED"


def test_a_run_of_one_span_reads_that_span_only(run, flights_sample, tmp_path):
    pattern = ("--set", "data.pattern=span-{SPAN:2}/flights.csv")
    result = run(tmp_path / "workspace", flights_sample, "march", "--span", "3", "--to", "ExampleGen", *pattern)
    assert result.code == 0
    rows = len((flights_sample / "span-03" / "flights.csv").read_text().splitlines()) - 1
    assert json.loads((result.folder / "summary.json").read_text())["rows"]["read"] == rows
    assert int(properties_of(result.steps["ExampleGen"].output("examples"))["span"]) == 3


def test_a_run_without_changes_is_skipped(run, flights_sample, tmp_path):
    first = run(tmp_path / "workspace", flights_sample, None)
    assert first.code == 0, first.err
    [folder] = (tmp_path / "workspace" / "runs").iterdir()
    again = run(tmp_path / "workspace", flights_sample, None)
    assert again.code == 0
    assert f"Nothing has changed since run {folder.name}" in again.out
    assert "BLESSED" in again.out
    assert again.released == first.released
    assert len(list((tmp_path / "workspace" / "runs").iterdir())) == 1
