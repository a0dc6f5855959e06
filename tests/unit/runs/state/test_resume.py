"""Clearing up after a run that was killed, and finding the one to go on with."""

import shutil

import pytest
from report_examples import make_summary
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.provenance import PROVENANCE_FILE, Provenance
from flightline.metadata.runs import Runs
from flightline.reporting.html.data import REPORT_HTML
from flightline.runs.state.resume import clean_up_killed_runs, find_resumable_run


@pytest.fixture
def config(tmp_path):
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path / "ws"), "data": {"input": "d"}}
    (tmp_path / "ws").mkdir()
    return Config.model_validate(raw)


def leave(config, run_id, exit_code, to=""):
    folder = config.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: flights")
    (folder / PROVENANCE_FILE).write_text(Provenance(None, False, 1, run_arguments={"to": to}).to_json())
    if exit_code is not None:
        make_summary(exit_code=exit_code).write(folder)
        (folder / REPORT_HTML).write_text("report")


def test_a_killed_step_is_marked_as_abandoned_and_its_files_are_removed(config):
    recorder = RunRecorder(config.metadata_db)
    recorder.run("a", {"ExampleGen": {"state": "COMPLETE"}, "Trainer": {"state": "RUNNING"}})
    steps = Runs.open(config).get("a").steps
    written = {}
    for node, step in steps.items():
        written[node] = config.workspace / "artifacts" / node / "model" / str(step.execution_id)
        written[node].mkdir(parents=True)
    assert clean_up_killed_runs(config) == ["Trainer of run a"]
    assert not written["Trainer"].exists()
    assert written["ExampleGen"].exists()
    after = Runs.open(config).get("a").steps
    assert after["Trainer"].state == "CANCELED"
    assert after["Trainer"].message.startswith("abandoned: the run was killed")
    assert after["ExampleGen"].state == "COMPLETE"
    assert clean_up_killed_runs(config) == []


def test_clean_up_before_the_first_run_does_nothing(config):
    assert clean_up_killed_runs(config) == []
    assert not config.metadata_db.exists()


@pytest.mark.parametrize("exit_code", [None, 1, 2, 130])
def test_the_newest_run_without_a_verdict_is_resumed(config, exit_code):
    leave(config, "a", exit_code, to="Transform")
    found = find_resumable_run(config)
    assert (found.run_id, found.to_node, found.next_run_id) == ("a", "Transform", "a.2")
    assert found.config == config.run_folder("a") / "config.yaml"
    leave(config, "a.2", exit_code)
    found = find_resumable_run(config)
    assert (found.run_id, found.to_node, found.next_run_id) == ("a.2", None, "a.3")


@pytest.mark.parametrize(("name", "left"), [("flights", "config.yaml"), ("other", PROVENANCE_FILE)])
def test_runs_of_other_pipelines_are_not_resumed(config, name, left):
    """A scoring or monitoring, which has no provenance, or a run of another pipeline in the same workspace."""
    leave(config, "a", 1)
    beside = config.run_folder("score-1")
    beside.mkdir()
    (beside / "config.yaml").write_text(f"name: {name}")
    shutil.copy(config.run_folder("a") / left, beside / left)
    assert find_resumable_run(config).run_id == "a"


@pytest.mark.parametrize("exit_code", [0, 3, 4])
def test_a_run_with_a_verdict_cannot_be_resumed(config, exit_code):
    leave(config, "a", None)
    leave(config, "b", exit_code)
    with pytest.raises(UsageError, match="no unfinished run"):
        find_resumable_run(config)


@pytest.mark.parametrize("exit_code", [0, 3, 4])
def test_a_run_that_was_killed_while_its_report_was_written_is_resumed(config, exit_code):
    leave(config, "a", exit_code)
    with pytest.raises(UsageError, match="has ended"):
        find_resumable_run(config)
    (config.run_folder("a") / REPORT_HTML).unlink()
    assert find_resumable_run(config).run_id == "a"
