import pytest
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.errors import InputError, UsageError
from flightline.metadata.runs import Runs

ROWS = {"rows_read": 10, "rows_split_train": 6, "rows_split_eval": 3, "rows_rejected_missing_label": 1}
WHOLE = {
    "ExampleGen": {"state": "COMPLETE", "outputs": {"examples": ROWS}},
    "Evaluator": {"state": "CACHED", "outputs": {"blessing": {"blessed": 1}}},
    "ServingCheck": {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0, "reason": "too slow"}}},
    "Pusher": {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 1, "pushed_destination": "/releases/7"}}},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metadata.db"


def test_a_run_is_read_back(path):
    RunRecorder(path).run("a", WHOLE)
    run = Runs.open(path).get("a")
    assert run.pipeline == "flights"
    assert list(run.steps) == list(WHOLE)
    assert run.state == "COMPLETE"
    assert run.rows.balanced
    assert (run.blessed, run.servable, run.pushed) == (True, False, "/releases/7")
    assert run.duration_s >= 0


def test_complete_is_not_pushed(path):
    RunRecorder(path).run("a", {"Pusher": {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 0}}}})
    run = Runs.open(path).get("a")
    assert run.pushed is None
    assert run.blessed is None


@pytest.mark.parametrize(
    ("states", "state"),
    [(("COMPLETE", "FAILED"), "FAILED"), (("COMPLETE", "RUNNING"), "RUNNING"), (("CACHED", "COMPLETE"), "COMPLETE")],
)
def test_the_state_of_a_run(path, states, state):
    RunRecorder(path).run("a", {f"N{i}": {"state": s} for i, s in enumerate(states)})
    assert Runs.open(path).get("a").state == state


def test_newest_first_and_latest(path):
    recorder = RunRecorder(path)
    for run_id in ("old", "new"):
        recorder.run(run_id, {"ExampleGen": {"state": "COMPLETE"}})
    assert [run.run_id for run in Runs.open(path)] == ["new", "old"]
    assert Runs.open(path).get("latest").run_id == "new"
    started = Runs.open(path).start_times()
    assert sorted(started, key=started.get) == ["old", "new"]


@pytest.fixture
def runs_of(tmp_path):
    """`runs_of(name)` → the runs of a pipeline's config; the workspace has those of two, the bikes' the newest."""
    for run_id, pipeline in (("a", "flights"), ("scored", "flights-scoring"), ("b", "bikes")):
        RunRecorder(tmp_path / "metadata.db", pipeline).run(run_id, {"ExampleGen": {"state": "COMPLETE"}})

    def runs_of(name):
        raw = {"name": name, "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "d"}}
        return Runs.open(Config.model_validate(raw))

    return runs_of


def test_with_a_config_only_its_pipeline_is_listed(runs_of, path):
    flights = runs_of("flights")
    assert [run.run_id for run in flights] == ["scored", "a"]
    assert flights.get("latest").run_id == "a"
    assert set(flights.start_times()) == {"a", "scored"}
    assert (
        {run.run_id for run in flights.for_workspace()}
        == {run.run_id for run in Runs.open(path)}
        == {"a", "b", "scored"}
    )


def test_a_run_of_another_pipeline_can_be_read_and_nothing_else(runs_of):
    flights = runs_of("flights")
    assert flights.get("b").pipeline == "bikes"
    assert [flights.get_in_pipeline(run_id).run_id for run_id in ("a", "scored")] == ["a", "scored"]
    with pytest.raises(UsageError, match="run b belongs to the pipeline bikes, not to flights"):
        flights.get_in_pipeline("b")


def test_the_error_for_a_pipeline_without_runs_names_pipelines_with_runs(runs_of):
    with pytest.raises(UsageError, match=r"no run of trains .* there are runs of bikes, flights: name the config"):
        runs_of("trains").get("latest")


def test_a_run_without_steps_is_its_pipelines(path):
    RunRecorder(path).run("a", {})
    assert Runs.open(path).get("a").pipeline == "flights"


def test_a_failed_step_tells_its_reason(path):
    RunRecorder(path).run("a", {"Trainer": {"state": "FAILED", "code": 1, "message": "out of memory"}})
    step = Runs.open(path).get("a").steps["Trainer"]
    assert (step.code, step.message, step.done) == (1, "out of memory", False)


def test_an_unknown_run_is_an_error(path):
    RunRecorder(path).run("a", {})
    with pytest.raises(UsageError, match="there is no run b"):
        Runs.open(path).get("b")


def test_no_store_and_no_sqlite(path):
    with pytest.raises(InputError, match="there is no metadata store"):
        Runs.open(path)
    assert not path.exists()  # asking does not make one
    path.write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(InputError, match="not a readable metadata store"):
        Runs.open(path)
