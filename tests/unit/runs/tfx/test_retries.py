"""What is tried again, how often, and what is ended."""

import time

import pytest

from flightline.config.steps import StepsConfig
from flightline.errors import StepFailed
from flightline.runs.tfx.retries import StepTimedOut, is_transient, run_with_retries

STEPS = StepsConfig.model_validate(
    {"retries": 2, "backoff_s": 3, "overrides": {"Trainer": {"retries": 0}, "Evaluator": {"timeout_s": 0.2}}}
)


class Flaky:
    """Fails so many times with an error, then answers."""

    def __init__(self, times, error):
        self.times, self.error, self.calls = times, error, 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def attempt(node, step):
    said, slept = [], []
    try:
        return *run_with_retries(STEPS, node, step, said.append, slept.append), said, slept
    except Exception as error:
        return error, step.calls, said, slept


def test_a_transient_error_is_retried_with_growing_waits():
    result, attempts, said, slept = attempt("Transform", Flaky(2, ConnectionResetError("the worker is gone")))
    assert (result, attempts) == ("done", 3)
    assert slept == [3, 6]
    assert said[0].startswith(
        "Transform failed: ConnectionResetError: the worker is gone; trying again in 3 s (1 of 2)"
    )


def test_the_last_error_is_raised_after_all_retries():
    fault = RuntimeError("StatusCode.UNAVAILABLE")
    assert attempt("Transform", Flaky(9, fault))[:2] == (fault, 3)


@pytest.mark.parametrize("error", [ValueError("bad input"), StepFailed("UNAVAILABLE, says the user"), OSError(28, "x")])
def test_other_errors_are_not_retried(error):
    assert attempt("Transform", Flaky(9, error))[:2] == (error, 1)


def test_a_keyboard_interrupt_that_pybind11_replaced_is_raised_as_one():
    lost = RuntimeError(
        "pybind11::error_already_set: MISMATCH of original and normalized active exception types: ORIGINAL "
        "InvalidArgumentError REPLACED BY KeyboardInterrupt: <EMPTY MESSAGE>"
    )
    with pytest.raises(KeyboardInterrupt):
        attempt("Transform", Flaky(9, lost))


def test_a_node_may_have_its_own_limits():
    assert attempt("Trainer", Flaky(9, ConnectionResetError()))[1] == 1
    assert StepsConfig().limits_for("Trainer") == (2, None)


def test_an_error_with_a_transient_cause_is_transient():
    outer = RuntimeError("the step failed")
    outer.__cause__ = OSError("database is locked")
    assert is_transient(outer)
    assert not is_transient(RuntimeError("the step failed"))


def test_a_step_that_times_out_is_stopped_and_not_retried():
    calls = []

    def slow():
        calls.append(1)
        for _ in range(500):
            time.sleep(0.01)

    with pytest.raises(
        StepTimedOut, match=r"Evaluator took longer than its limit of 0\.2 s; raise steps\.overrides\.Evaluator"
    ):
        run_with_retries(STEPS, "Evaluator", slow, print)
    assert calls == [1]
    time.sleep(0.25)  # the alarm is off


def test_a_timeout_that_a_library_turned_into_another_error_is_a_timeout():
    def slow():
        try:
            time.sleep(5)
        except Exception as error:
            raise RuntimeError("REPLACED BY StepTimedOut: UNAVAILABLE") from error  # would be tried again

    with pytest.raises(StepTimedOut, match="Evaluator took longer"):
        run_with_retries(StepsConfig(retries=2, overrides={"Evaluator": {"timeout_s": 0.2}}), "Evaluator", slow, print)
