"""What came of a run, judged from ML Metadata: that `run()` returned says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import GO_ON, DataBlocked, FlightlineError, Interrupted, NotBlessed, StepFailed, in_one_line
from pipeline.gate.findings import Drift, Finding, drift_from_json, from_json, refusal
from pipeline.machine import known
from pipeline.metadata.run import Run, Step
from pipeline.metadata.store import properties_of
from pipeline.verdict import Evaluation

CHAMPION, GATE, PUSHER = "Champion", "DataGate", "Pusher"


def failure_of(
    run: Run, expected: Sequence[str], failures: Mapping[str, BaseException], evaluation: Evaluation | None
) -> FlightlineError | None:
    """Why the run is not done, or None where it is.

    Args:
        run: as ML Metadata has it after the runner returned or raised.
        expected: the nodes that had to run, in topological order.
        failures: what nodes raised in this process.
        evaluation: what the Evaluator measured, where it did.
    """
    for node in expected:
        step = run.steps.get(node)
        if step is None or not step.done:
            return _step_failure(node, step, failures.get(node))
    if PUSHER in expected and run.pushed is None:
        stays = "; the champion stays" if _has_champion(run) else ""
        return NotBlessed(_why_not_pushed(run, evaluation), f"nothing was released{stays}")
    return None


def gate_findings(run: Run) -> list[Finding]:
    """What the data gate found, whether it stopped the run or let it pass."""
    said = _gate_said(run)
    return from_json(said) if said else []


def gate_refusal(step: Step) -> DataBlocked | None:
    """Why the data gate stopped the run, in words; None where the step is another, or let it pass."""
    if step.node != GATE or step.code != DataBlocked.exit_code:
        return None
    return refusal(from_json(step.message))


def gate_drift(run: Run) -> list[Drift]:
    """How far the data are from the accepted span before, the feature nearest to its threshold first."""
    said = _gate_said(run)
    return drift_from_json(said) if said else []


def _has_champion(run: Run) -> bool:
    """Whether there was a release for the candidate to be held against."""
    step = run.steps.get(CHAMPION)
    return step is not None and any(step.outputs.values())


def _gate_said(run: Run) -> str:
    step = run.steps.get(GATE)
    if step is None:
        return ""
    if step.code == DataBlocked.exit_code:
        return step.message
    verdict = step.output("verdict") if step.done else None
    try:
        return Path(verdict.uri).read_text(encoding="utf-8") if verdict else ""
    except OSError:
        return ""  # the artifact has been removed since


def _step_failure(node: str, step: Step | None, raised: BaseException | None) -> FlightlineError:
    if step is not None and (blocked := gate_refusal(step)):
        return blocked
    if isinstance(raised, FlightlineError):
        return raised
    if isinstance(raised, KeyboardInterrupt):
        return Interrupted(f"interrupted in {node}", GO_ON)
    if raised is not None:
        of_the_machine = known(raised)
        if of_the_machine is not None:
            return StepFailed(f"{node} failed: {of_the_machine.what}", of_the_machine.todo)
        return StepFailed(f"{node} failed: {in_one_line(raised)}", _todo(raised))
    if step is None:
        return StepFailed(f"{node} never ran", "the log says why")
    if step.state in ("RUNNING", "NEW"):
        return StepFailed(f"{node} has not ended: it is at work, or its run was killed", GO_ON)
    reason = f": {step.message}" if step.message else " without a reason in ML Metadata"
    return StepFailed(f"{node} is {step.state}{reason}", "the log has more")


def _todo(raised: BaseException) -> str:
    if "ModuleNotFoundError" in str(raised):  # in a traceback that a worker elsewhere sent
        return "the engine's workers lack this module: install this package's wheel and requirements.lock there"
    if "DEADLINE_EXCEEDED" in str(raised):
        return "the engine or its workers did not answer in time: see whether they run and can be reached from here"
    return "the log has the traceback"


def _why_not_pushed(run: Run, evaluation: Evaluation | None) -> str:
    reasons = []
    if run.servable is False:
        blessing = run.steps["ServingCheck"].output("blessing")
        reason = properties_of(blessing).get("reason", "it did not pass") if blessing else "it did not pass"
        reasons.append(f"the serving check refused the model: {reason}")
    if run.blessed is False:
        misses = evaluation.misses if evaluation else []
        more = f" (and {len(misses) - 1} more)" if len(misses) > 1 else ""
        reasons.append(f"{misses[0].sentence}{more}" if misses else "the Evaluator did not bless the model")
    return "; ".join(reasons) or "the Pusher did not push the model, and no blessing says why"
