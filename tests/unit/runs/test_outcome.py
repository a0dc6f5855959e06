import pytest
from run_store import RunRecorder

from flightline.errors import DataBlocked, InputError, NotBlessed, StepFailed
from flightline.executors.data_gate.findings import Finding, findings_to_json
from flightline.metadata.evaluation import Evaluation, MissedThreshold
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.runs.outcome import find_failure, gate_findings

PUSHED = {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 1, "pushed_destination": "/releases/7"}}}
NOT_PUSHED = {"state": "COMPLETE", "outputs": {"pushed_model": {"pushed": 0}}}
MISSED = Evaluation({}, {}, [MissedThreshold("auc", "origin=JFK", 0.9, "≥", 0.925)], False, [])


@pytest.fixture
def judge(tmp_path):
    """`judge(steps, expected, raised, evaluation)` → why the run is not done."""

    def judge(steps, expected, raised=None, evaluation=None):
        RunRecorder(tmp_path / "metadata.db").run("a", steps)
        return find_failure(Runs.open(tmp_path / "metadata.db").get("a"), expected, raised or {}, evaluation)

    return judge


def test_done(judge):
    assert judge({"Trainer": {"state": "CACHED"}, "Pusher": PUSHED}, ["Trainer", "Pusher"]) is None


def test_a_part_that_asks_for_no_release_is_done_without_one(judge):
    assert judge({"Trainer": {"state": "COMPLETE"}}, ["Trainer"]) is None


def test_a_node_without_a_record_is_a_failure():
    error = find_failure(Run("a", "flights", 0, {}), ["Trainer"], {}, None)
    assert isinstance(error, StepFailed)
    assert "Trainer never ran" in str(error)


@pytest.mark.parametrize("state", ["FAILED", "RUNNING", "CANCELED"])
def test_a_node_that_is_not_done_is_a_failure_though_the_runner_returned(judge, state):
    error = judge({"Trainer": {"state": state}}, ["Trainer", "Pusher"])
    assert error.exit_code == 1
    assert ("Trainer has not ended" if state == "RUNNING" else f"Trainer is {state}") in str(error)


def test_the_first_node_that_failed_is_the_one_to_tell(judge):
    steps = {"Transform": {"state": "FAILED", "message": "no vocabulary"}, "Trainer": {"state": "FAILED"}}
    assert "Transform is FAILED: no vocabulary" in str(judge(steps, ["Transform", "Trainer"]))


def test_what_a_node_raised_is_told_in_one_line(judge):
    raised = {"Trainer": RuntimeError("loss is\nnan " + "x" * 999)}
    text = str(judge({"Trainer": {"state": "FAILED"}}, ["Trainer"], raised))
    assert text.startswith("Trainer failed: RuntimeError: loss is nan xxx")
    assert len(text) < 400


def test_our_own_errors_keep_their_exit_code(judge):
    error = judge(
        {"ExampleGen": {"state": "FAILED"}}, ["ExampleGen"], {"ExampleGen": InputError("rows.csv: cut short")}
    )
    assert error.exit_code == 2


def test_the_gate_stopped_it(judge):
    found = [Finding("carrier", "K", "holds ZZ", 42), Finding("temp", "L", "is odd", 1, blocks=False)]
    steps = {"DataGate": {"state": "FAILED", "code": 3, "message": findings_to_json(found)}}
    error = judge(steps, ["DataGate", "Trainer"])
    assert isinstance(error, DataBlocked)
    assert "carrier: holds ZZ" in str(error)
    assert "more" not in str(error)  # a warning is not one more reason


def test_a_gate_that_crashed_is_a_failure_and_no_verdict(judge):
    steps = {"DataGate": {"state": "FAILED", "code": 1, "message": "disk full"}}
    assert judge(steps, ["DataGate"]).exit_code == 1


def test_not_blessed_says_which_metric_on_which_slice_by_how_much(judge):
    evaluator = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0}}}
    error = judge({"Evaluator": evaluator, "Pusher": NOT_PUSHED}, ["Evaluator", "Pusher"], evaluation=MISSED)
    assert isinstance(error, NotBlessed)
    assert "auc on origin=JFK is 0.9, must be ≥ 0.925 (missed by 0.025)" in str(error)


@pytest.mark.parametrize(
    ("found", "fix"), [({}, "nothing was released"), ({"model": {}}, "nothing was released; the champion stays")]
)
def test_a_champion_stays_where_there_is_one(judge, found, fix):
    evaluator = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0}}}
    champion = {"state": "COMPLETE", "outputs": found}
    steps = {"Champion": champion, "Evaluator": evaluator, "Pusher": NOT_PUSHED}
    assert judge(steps, list(steps), evaluation=MISSED).fix == fix


def test_a_model_that_cannot_be_served(judge):
    check = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0, "reason": "it is too slow"}}}
    error = judge({"ServingCheck": check, "Pusher": NOT_PUSHED}, ["ServingCheck", "Pusher"])
    assert error.exit_code == 4
    assert "it is too slow" in str(error)


def test_findings_of_a_gate_that_let_pass(tmp_path):
    RunRecorder(tmp_path / "metadata.db").run("a", {"DataGate": {"state": "COMPLETE"}})
    assert gate_findings(Runs.open(tmp_path / "metadata.db").get("a")) == []
