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


def test_a_run_with_all_nodes_complete_has_no_failure(judge):
    assert judge({"Trainer": {"state": "CACHED"}, "Pusher": PUSHED}, ["Trainer", "Pusher"]) is None


def test_a_partial_run_without_the_pusher_needs_no_release(judge):
    assert judge({"Trainer": {"state": "COMPLETE"}}, ["Trainer"]) is None


def test_a_node_without_an_execution_is_a_failure():
    error = find_failure(Run("a", "flights", 0, {}), ["Trainer"], {}, None)
    assert isinstance(error, StepFailed)
    assert "Trainer never ran" in str(error)


@pytest.mark.parametrize("state", ["FAILED", "RUNNING", "CANCELED"])
def test_an_unfinished_node_is_a_failure_although_the_runner_returned(judge, state):
    error = judge({"Trainer": {"state": state}}, ["Trainer", "Pusher"])
    assert error.exit_code == 1
    assert ("Trainer has not ended" if state == "RUNNING" else f"Trainer is {state}") in str(error)


def test_the_first_failed_node_is_reported(judge):
    steps = {"Transform": {"state": "FAILED", "message": "no vocabulary"}, "Trainer": {"state": "FAILED"}}
    assert "Transform is FAILED: no vocabulary" in str(judge(steps, ["Transform", "Trainer"]))


def test_a_node_s_exception_is_reported_in_one_line(judge):
    raised = {"Trainer": RuntimeError("loss is\nnan " + "x" * 999)}
    text = str(judge({"Trainer": {"state": "FAILED"}}, ["Trainer"], raised))
    assert text.startswith("Trainer failed: RuntimeError: loss is nan xxx")
    assert len(text) < 400


def test_flightline_errors_keep_their_exit_code(judge):
    error = judge(
        {"ExampleGen": {"state": "FAILED"}}, ["ExampleGen"], {"ExampleGen": InputError("rows.csv: cut short")}
    )
    assert error.exit_code == 2


def test_a_blocked_run_reports_the_blocking_findings(judge):
    found = [Finding("carrier", "K", "holds ZZ", 42), Finding("temp", "L", "is odd", 1, blocks=False)]
    steps = {"DataGate": {"state": "FAILED", "code": 3, "message": findings_to_json(found)}}
    error = judge(steps, ["DataGate", "Trainer"])
    assert isinstance(error, DataBlocked)
    assert "carrier: holds ZZ" in str(error)
    assert "more" not in str(error)  # a warning is not one more reason


def test_a_crashed_gate_is_a_failure_not_a_verdict(judge):
    steps = {"DataGate": {"state": "FAILED", "code": 1, "message": "disk full"}}
    assert judge(steps, ["DataGate"]).exit_code == 1


def test_not_blessed_names_metric_slice_and_margin(judge):
    evaluator = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0}}}
    error = judge({"Evaluator": evaluator, "Pusher": NOT_PUSHED}, ["Evaluator", "Pusher"], evaluation=MISSED)
    assert isinstance(error, NotBlessed)
    assert "auc on origin=JFK is 0.9, must be ≥ 0.925 (missed by 0.025)" in str(error)


@pytest.mark.parametrize(
    ("found", "fix"), [({}, "nothing was released"), ({"model": {}}, "nothing was released; the champion stays")]
)
def test_not_blessed_says_whether_a_champion_stays(judge, found, fix):
    evaluator = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0}}}
    champion = {"state": "COMPLETE", "outputs": found}
    steps = {"Champion": champion, "Evaluator": evaluator, "Pusher": NOT_PUSHED}
    assert judge(steps, list(steps), evaluation=MISSED).fix == fix


def test_a_failed_serving_check_is_reported_with_its_reason(judge):
    check = {"state": "COMPLETE", "outputs": {"blessing": {"blessed": 0, "reason": "it is too slow"}}}
    error = judge({"ServingCheck": check, "Pusher": NOT_PUSHED}, ["ServingCheck", "Pusher"])
    assert error.exit_code == 4
    assert "it is too slow" in str(error)


def test_a_gate_that_passed_without_a_report_has_no_findings(tmp_path):
    RunRecorder(tmp_path / "metadata.db").run("a", {"DataGate": {"state": "COMPLETE"}})
    assert gate_findings(Runs.open(tmp_path / "metadata.db").get("a")) == []
