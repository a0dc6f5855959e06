import json

import pytest
from report_examples import make_summary
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


def test_killed_run_has_a_report(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}, "Trainer": {"state": "RUNNING"}})
    page = write_report(config, "a").read_text()
    assert "No result" in page
    assert "Trainer" in page
    assert "runs/a/report.html" in (config.workspace / "index.html").read_text()


def test_regenerated_report_keeps_the_curves_and_the_order_of_the_steps(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}, "Trainer": {"state": "FAILED"}})
    curves = {"candidate": Curves([(0, 0), (1, 1)], [], [])}
    write_report(config, "a", {"Trainer": ["ExampleGen"]}, curves)
    write_report(config, "a")
    kept = read_report(config.run_folder("a"))
    assert kept.curves == curves
    assert {step.node: step.upstream for step in kept.steps} == {"ExampleGen": (), "Trainer": ("ExampleGen",)}


def test_report_of_another_version_is_replaced(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}})
    folder = config.run_folder("a")
    folder.mkdir(parents=True)
    (folder / "report.json").write_text('{"was": "otherwise"}')
    assert "ExampleGen" in write_report(config, "a").read_text()


def test_artifacts_have_their_node_and_run(config):
    outputs = {"examples": {"content_digest": "abc"}}
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE", "outputs": outputs}})
    runs = Runs.open(config.metadata_db)
    [artifact] = collect_report(config, runs, runs.get("a")).artifacts
    assert (artifact.node, artifact.run_id, artifact.key, artifact.digest) == ("ExampleGen", "a", "examples", "abc")
    assert upstream_artifacts([artifact]) == []  # the lineage of this type is not shown


def test_steps_have_their_times_and_those_that_never_ran_are_listed(config):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "CACHED"}})
    folder = config.run_folder("a")
    folder.mkdir(parents=True)
    make_summary(steps={"ExampleGen": "CACHED", "Pusher": "NOT RUN"}, exit_code=1, evaluation=None).write(folder)
    (folder / "timings.json").write_text(json.dumps({"ExampleGen": {"wall_s": 1.5, "cpu_s": 1.0}}))
    runs = Runs.open(config.metadata_db)
    first, second = collect_report(config, runs, runs.get("a")).steps
    assert (first.state, first.seconds, first.cpu_seconds) == ("cached", 1.5, 1.0)
    assert (second.state, second.seconds) == ("not run", None)


@pytest.mark.parametrize(
    ("task", "prediction"),
    [
        ({}, "the probability that y is 1"),
        ({"positive_label": "late"}, "the probability that y is late"),
        ({"task": "multiclass", "classes": ["a", "b", "c"]}, "the probability of each of the 3 classes of y"),
        ({"task": "regression"}, "the value of y"),
    ],
)
def test_model_card_describes_the_prediction(config, task, prediction):
    RunRecorder(config.metadata_db).run("a", {"ExampleGen": {"state": "COMPLETE"}})
    raw = config.model_dump(by_alias=True, exclude_unset=True)
    settings = Config.model_validate({**raw, **task, "model_card": {"owners": "us"}})
    assert f"<dt>predicts</dt><dd>{prediction}</dd>" in write_report(settings, "a").read_text()
