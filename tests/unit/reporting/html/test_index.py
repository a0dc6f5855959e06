from report_examples import HOSTILE_TEXT, make_summary
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.runs import Runs
from flightline.releases.registry import publish_release
from flightline.reporting.html.index import write_index


def write_run(workspace, run_id, summary, report=True):
    folder = workspace / "runs" / run_id
    folder.mkdir(parents=True)
    summary.write(folder)
    if report:
        (folder / "report.html").touch()


def test_runs_and_releases_have_metrics_and_links(tmp_path):
    recorder = RunRecorder(tmp_path / "metadata.db")
    for run_id in ("old", "new"):
        recorder.run(run_id, {})
    write_run(tmp_path, "old", make_summary(release=None, exit_code=4, failure="auc is low"), report=False)
    write_run(tmp_path, "new", make_summary())
    pushed = tmp_path / "releases" / "flights" / "7"
    pushed.mkdir(parents=True)
    publish_release(pushed, {"run": "new", "metrics": {"auc": 0.94}})
    page = write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()
    assert page.index(">new<") < page.rindex(">old<")
    assert 'href="runs/new/report.html"' in page
    assert 'href="runs/old' not in page
    for expected in ("Released", "Not released", "✓ current", "auc by run", "0.9400", "1,100"):
        assert expected in page


def test_folder_without_a_run_in_ml_metadata_and_a_hostile_summary(tmp_path):
    RunRecorder(tmp_path / "metadata.db")
    write_run(tmp_path, "stray", make_summary(HOSTILE_TEXT, pipeline=HOSTILE_TEXT))
    page = write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()
    assert "stray" in page
    assert "<script" not in page


def test_each_pipeline_has_the_metrics_of_its_task(tmp_path):
    """Whichever run is the newest."""
    metrics_of_regression = {"overall": {"root_mean_squared_error": 8.5555, "example_count": 9.0}}
    evaluation = Evaluation(metrics_of_regression, {}, [], True, [])
    for run_id, pipeline in (("sold", "sales"), ("flown", "flights")):
        RunRecorder(tmp_path / "metadata.db", pipeline).run(run_id, {})
    write_run(tmp_path, "flown", make_summary())
    write_run(tmp_path, "sold", make_summary(pipeline="sales", evaluation=evaluation))
    for name, metrics in (("flights", {"auc": 0.94}), ("sales", metrics_of_regression["overall"])):
        pushed = tmp_path / "releases" / name / "7"
        pushed.mkdir(parents=True)
        publish_release(pushed, {"run": "?", "metrics": metrics})
    page = write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()
    assert page.count("root_mean_squared_error 8.5555") == 2
    assert page.count("auc 0.9400") == 2


def test_scoring_and_monitoring_runs_have_a_pipeline_and_a_result(tmp_path):
    for run_id, pipeline, file in (
        ("s", "flights-scoring", "scoring.json"),
        ("m", "flights-monitoring", "monitoring.json"),
    ):
        RunRecorder(tmp_path / "metadata.db", pipeline).run(run_id, {})
        (tmp_path / "runs" / run_id).mkdir(parents=True)
        (tmp_path / "runs" / run_id / file).touch()
    RunRecorder(tmp_path / "metadata.db", "flights-monitoring").run("interrupted", {})
    page = write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()
    for expected in ("Scored</td><td>flights-scoring", "Monitored</td><td>flights-monitoring"):
        assert expected in page
    assert page.count("No result") == 1


def test_index_lists_all_pipelines_of_the_workspace(tmp_path):
    for run_id, pipeline in (("a", "flights"), ("b", "bikes")):
        RunRecorder(tmp_path / "metadata.db", pipeline).run(run_id, {})
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "d"}}
    page = write_index(tmp_path, Runs.open(Config.model_validate(raw))).read_text()
    assert ">a<" in page
    assert ">b<" in page


def test_empty_workspace(tmp_path):
    RunRecorder(tmp_path / "metadata.db")
    page = write_index(tmp_path, Runs.open(tmp_path / "metadata.db")).read_text()
    assert "There are no runs yet" in page
    assert "There are no releases yet" in page
