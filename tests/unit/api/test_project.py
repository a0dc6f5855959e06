import json
import os

import pytest
import yaml
from run_store import RunRecorder

import flightline as fl
from flightline.metadata.evaluation import EVALUATION_PROPERTY, Evaluation, MissedThreshold
from flightline.releases.registry import publish_release

METRICS = {"overall": {"auc": 0.7, "example_count": 20.0}, "origin=JFK": {"auc": 0.6, "example_count": 5.0}}
CHAMPION = {"overall": {"auc": 0.8}, "origin=JFK": {"auc": 0.9}}
EVALUATION = Evaluation(
    METRICS, CHAMPION, [MissedThreshold("auc", "overall", 0.7, "≥", 0.9)], False, [], {"auc": "≥ 0.9"}
)


@pytest.fixture
def folder(tmp_path):
    """A project's folder with two runs: `old`, which failed, and `new`, whose model was not blessed."""
    raw = {"name": "flights", "label": "y", "schema": "s.pbtxt", "workspace": "ws", "data": {"input": "data"}}
    (tmp_path / "configs").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "configs" / "flights.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "s.pbtxt").write_text("")
    (tmp_path / "ws").mkdir()
    recorder = RunRecorder(tmp_path / "ws" / "metadata.db")
    recorder.run("old", {"ExampleGen": {"state": "FAILED", "message": "no rows"}})
    evaluation = {EVALUATION_PROPERTY: json.dumps(EVALUATION.to_dict())}
    recorder.run("new", {
        "ExampleGen": {"state": "COMPLETE", "outputs": {"examples": {"rows_read": 30, "rows_split_train": 30}}},
        "Evaluator": {"state": "COMPLETE", "outputs": {"evaluation": evaluation, "blessing": {"blessed": 0}}},
        "Pusher": {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 0}}},
    })  # fmt: skip
    return tmp_path


@pytest.fixture
def project(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return fl.open("configs/flights.yaml")


def test_runs_are_listed_newest_first_and_found_by_name(project):
    assert [run.run_id for run in project.runs] == ["new", "old"]
    assert len(project.runs) == 2
    assert "old" in project.runs
    assert "other" not in project.runs
    assert project.runs["latest"].run_id == "new"
    assert project.runs["previous"].run_id == "old"
    with pytest.raises(fl.UsageError, match="there is no run other"):
        project.runs["other"]


def test_previous_is_a_usage_error_when_there_is_only_one_run(tmp_path):
    RunRecorder(tmp_path / "metadata.db").run("only", {})
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
    (tmp_path / "flights.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(fl.UsageError, match="there is no run before only"):
        fl.open(tmp_path / "flights.yaml").runs["previous"]


@pytest.mark.parametrize("config", ["configs/flights.yaml", "../configs/flights.yaml"])
def test_a_notebook_opens_the_config_from_its_own_folder(folder, monkeypatch, config):
    monkeypatch.chdir(folder / "notebooks")
    project = fl.open(config)
    assert project.runs["latest"].run_id == "new"
    assert project.config.workspace.is_absolute()
    assert project.config.schema_file.samefile(folder / "s.pbtxt")


def test_paths_stay_relative_in_the_project_folder(project):
    assert str(project.config.workspace) == "ws"


def test_a_missing_config_is_an_error_that_names_it(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(fl.ConfigError, match=r"no\.yaml"):
        fl.open("configs/no.yaml")


def test_overrides_change_the_config(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert fl.open("configs/flights.yaml", ["name=bikes"]).name == "bikes"


def test_the_metrics_are_a_mapping_and_can_be_called_with_a_slice(project):
    metrics = project.runs["latest"].metrics
    assert metrics["auc"] == 0.7
    assert dict(metrics) == METRICS["overall"]
    assert dict(metrics(slice="origin=JFK")) == METRICS["origin=JFK"]
    assert metrics("origin=JFK").champion == {"auc": 0.9}
    assert metrics.slices == ["overall", "origin=JFK"]
    assert repr(metrics) == "<Metrics of run new, overall: auc 0.7000>"
    with pytest.raises(fl.UsageError, match="no metrics of slice origin=XXX; it has: overall, origin=JFK"):
        metrics(slice="origin=XXX")


def test_a_run_without_an_evaluation_has_no_metrics(project):
    with pytest.raises(fl.UsageError, match="run old has no metrics; `flightline why old`"):
        project.runs["old"].metrics  # noqa: B018 - reading it is what raises


def test_the_verdict_explains_the_result(project):
    run = project.runs["latest"]
    assert "auc on overall is 0.7, must be ≥ 0.9" in run.verdict.outcome
    assert [check.metric for check in run.verdict.checks] == ["auc"]
    assert run.blessed is False
    assert run.release is None
    assert repr(run).startswith("<Run new of flights: auc on overall is 0.7")


def test_steps_are_a_mapping_with_reasons(project):
    steps = project.runs["old"].steps
    assert steps["ExampleGen"].state == "FAILED"
    assert steps.reasons == {"ExampleGen": "no rows"}
    assert repr(steps) == "<Steps: ExampleGen failed>"


def test_artifacts_that_a_run_does_not_have_are_a_usage_error(project):
    run = project.runs["old"]
    for read in (lambda: run.schema, lambda: run.statistics("train"), lambda: run.anomalies, run.model):
        with pytest.raises(fl.UsageError, match="run old has no"):
            read()


def test_the_report_is_rewritten_only_when_outdated(project):
    run = project.runs["old"]
    page = run.report
    assert "no rows" in page.read_text()
    page.write_text("edited")
    assert run.report.read_text() == "edited"
    os.utime(page, (1, 1))
    assert run.report.read_text() != "edited"


def test_diff_compares_the_run_with_the_baseline(project):
    diff = project.diff("latest", "previous")
    assert (diff.before, diff.now) == ("old", "new")
    assert project.diff() == diff
    assert repr(diff).startswith("<RunDiff old → new: ")


def test_lineage_of_a_run(project):
    lineage = project.runs["latest"].lineage
    assert [artifact.type for artifact in lineage.artifacts] == ["pushed_model"]
    assert project.lineage("run:new") == lineage
    with pytest.raises(fl.UsageError, match="there is no artifact 99"):
        project.lineage("artifact:99")


@pytest.fixture
def released(project):
    for version, run in (("7", "gone"), ("8", "new")):
        (project.config.releases / version).mkdir(parents=True)
        publish_release(project.config.releases / version, {"run": run, "metrics": {"auc": 0.7}})
    return project


def test_releases_are_listed_newest_first_and_one_is_current(released):
    assert [release.version for release in released.releases] == ["8", "7"]
    assert released.releases.current.version == "8"
    assert released.releases.current.is_current
    assert not released.releases["7"].is_current
    assert len(released.releases) == 2


def test_a_release_knows_its_run_and_its_metrics(released):
    release = released.releases.current
    assert release.run.run_id == "new"
    assert release.metrics == {"auc": 0.7}
    assert repr(release) == "<Release 8 of run new, current>"
    with pytest.raises(fl.UsageError, match="no run gone"):
        released.releases["7"].run  # noqa: B018 - reading it is what raises


def test_a_missing_release_is_a_usage_error(released):
    with pytest.raises(fl.UsageError, match="there is no release 9 of flights"):
        released.releases["9"]
    with pytest.raises(fl.UsageError, match="has no release 8"):
        released.releases["8"].lineage  # noqa: B018 - reading it is what raises


def test_without_a_release_none_is_current(project):
    with pytest.raises(fl.UsageError, match="there is no current release of flights"):
        project.releases.current  # noqa: B018 - reading it is what raises


def test_every_notebook_representation_is_html_with_the_values(released):
    run = released.runs["latest"]
    shown = {
        "run": (run, "new"),
        "verdict": (run.verdict, "0.7000"),
        "metrics": (run.metrics, "origin=JFK"),
        "steps": (run.steps, "Evaluator"),
        "lineage": (run.lineage, "pushed_model"),
        "runs": (released.runs, "old"),
        "releases": (released.releases, "current"),
        "diff": (released.diff(), "rows read"),
    }
    for name, (value, text) in shown.items():
        page = value._repr_html_()
        assert text in page, name
        assert "<script" not in page
