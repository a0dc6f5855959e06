import json

import pytest
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.metadata.runs import Runs
from flightline.reporting.html.collect import collect_report
from flightline.reporting.html.data import Curves
from flightline.reporting.html.upstream_artifacts import upstream_artifacts
from flightline.reporting.html.write_report import read_report, write_report


@pytest.fixture
def config(tmp_path):
    return Config.model_validate(
        {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
    )


def test_a_run_that_was_ended_from_outside_has_a_report(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}, "Trainer": {"state": "RUNNING"}})
    page = write_report(config, "a").read_text()
    assert "No result" in page
    assert "Trainer" in page
    assert "runs/a/report.html" in (config.workspace / "index.html").read_text()


def test_made_anew_it_keeps_what_only_the_run_knew(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}, "Trainer": {"state": "FAILED"}})
    curves = {"candidate": Curves([(0, 0), (1, 1)], [], [])}
    write_report(config, "a", {"Trainer": ["ExampleGen"]}, curves)
    write_report(config, "a")
    kept = read_report(config.run_folder("a"))
    assert kept.curves == curves
    assert {step.node: step.upstream for step in kept.steps} == {"ExampleGen": (), "Trainer": ("ExampleGen",)}


def test_a_report_of_another_version_is_not_in_the_way(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}})
    folder = config.run_folder("a")
    folder.mkdir(parents=True)
    (folder / "report.json").write_text('{"was": "otherwise"}')
    assert "ExampleGen" in write_report(config, "a").read_text()


def test_artifacts_know_their_node_and_run(config):
    outputs = {"examples": {"content_digest": "abc"}}
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE", "outputs": outputs}})
    runs = Runs.open(config.metadata_db)
    [artifact] = collect_report(config, runs, runs.get("a")).artifacts
    assert (artifact.node, artifact.run_id, artifact.key, artifact.digest) == ("ExampleGen", "a", "examples", "abc")
    assert upstream_artifacts([artifact]) == []  # its type is none that a run ends with


def test_the_steps_that_never_ran_are_there_with_their_times(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "CACHED"}})
    folder = config.run_folder("a")
    folder.mkdir(parents=True)
    plain = dict.fromkeys(["rows", "rejected_file", "evaluation", "release"])
    steps = {"ExampleGen": "CACHED", "Pusher": "NOT RUN"}
    kept = {"run_id": "a", "pipeline": "flights", "exit_code": 1, "failure": "f", "steps": steps, "findings": []}
    (folder / "summary.json").write_text(json.dumps({**plain, **kept}))
    (folder / "timings.json").write_text(json.dumps({"ExampleGen": {"wall_s": 1.5, "cpu_s": 1.0}}))
    runs = Runs.open(config.metadata_db)
    first, second = collect_report(config, runs, runs.get("a")).steps
    assert (first.state, first.seconds, first.cpu_seconds) == ("cached", 1.5, 1.0)
    assert (second.state, second.seconds) == ("not run", None)
