import pytest
from stores import Recorder

from pipeline.errors import InputError, UsageError
from pipeline.metadata.runs import Runs

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
    Recorder(path).run("a", WHOLE)
    run = Runs.open(path).get("a")
    assert run.pipeline == "flights"
    assert list(run.steps) == list(WHOLE)
    assert run.state == "COMPLETE"
    assert run.rows.balanced
    assert (run.blessed, run.servable, run.pushed) == (True, False, "/releases/7")
    assert run.seconds >= 0


def test_complete_is_not_pushed(path):
    Recorder(path).run("a", {"Pusher": {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 0}}}})
    run = Runs.open(path).get("a")
    assert run.pushed is None
    assert run.blessed is None


@pytest.mark.parametrize(
    ("states", "state"),
    [(("COMPLETE", "FAILED"), "FAILED"), (("COMPLETE", "RUNNING"), "RUNNING"), (("CACHED", "COMPLETE"), "COMPLETE")],
)
def test_the_state_of_a_run(path, states, state):
    Recorder(path).run("a", {f"N{i}": {"state": s} for i, s in enumerate(states)})
    assert Runs.open(path).get("a").state == state


def test_newest_first_and_latest(path):
    recorder = Recorder(path)
    for run_id in ("old", "new"):
        recorder.run(run_id, {"ExampleGen": {"state": "COMPLETE"}})
    assert [run.run_id for run in Runs.open(path)] == ["new", "old"]
    assert Runs.open(path).get("latest").run_id == "new"
    started = Runs.open(path).started()
    assert sorted(started, key=started.get) == ["old", "new"]


def test_a_failed_step_tells_its_reason(path):
    Recorder(path).run("a", {"Trainer": {"state": "FAILED", "code": 1, "message": "out of memory"}})
    step = Runs.open(path).get("a").steps["Trainer"]
    assert (step.code, step.message, step.done) == (1, "out of memory", False)


def test_an_unknown_run(path):
    Recorder(path).run("a", {})
    with pytest.raises(UsageError, match="there is no run b"):
        Runs.open(path).get("b")


def test_no_store_and_no_sqlite(path):
    with pytest.raises(InputError, match="there is no metadata store"):
        Runs.open(path)
    assert not path.exists()  # asking does not make one
    path.write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(InputError, match="not a readable metadata store"):
        Runs.open(path)
