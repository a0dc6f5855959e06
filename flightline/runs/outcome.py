"""The outcome of a run, by ML Metadata: TFX's runners return normally even if nodes failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flightline.errors import (
    RESUME_HINT,
    DataBlocked,
    FlightlineError,
    Interrupted,
    NotBlessed,
    StepFailed,
    summarize_error,
)
from flightline.executors.data_gate.findings import (
    FeatureDrift,
    Finding,
    data_blocked_error,
    drift_from_json,
    findings_from_json,
)
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.properties import properties_of
from flightline.metadata.run import Run
from flightline.metadata.step import Step
from flightline.utils.diagnostics import diagnose, diagnose_text

CHAMPION_NODE, GATE_NODE, PUSHER_NODE = "Champion", "DataGate", "Pusher"


def find_failure(
    run: Run, expected: Sequence[str], failures: Mapping[str, BaseException], evaluation: Evaluation | None
) -> FlightlineError | None:
    """Return why a run failed, or None if it succeeded.

    Args:
        run: from ML Metadata, after the runner returned or raised.
        expected: the nodes that had to run, in topological order.
        failures: node → the exception that it raised in this process.
        evaluation: the Evaluator's results; None without them.
    """
    for node in expected:
        step = run.steps.get(node)
        if step is None or not step.done:
            return _step_failure(node, step, failures.get(node))
    if PUSHER_NODE in expected and run.pushed is None:
        champion = "; the champion stays" if _has_champion(run) else ""
        return NotBlessed(_why_not_pushed(run, evaluation), f"nothing was released{champion}")
    return None


def gate_findings(run: Run) -> list[Finding]:
    """Return the data gate's findings, whether or not it blocked the run."""
    report = _read_gate_report(run)
    return findings_from_json(report) if report else []


def gate_block_error(step: Step) -> DataBlocked | None:
    """Return the error with which the data gate blocked the run; None if the step is another one, or passed."""
    if step.node != GATE_NODE or step.code != DataBlocked.exit_code:
        return None
    return data_blocked_error(findings_from_json(step.message))


def gate_drift(run: Run) -> list[FeatureDrift]:
    """Return the drift from the previous accepted span, the feature nearest to its threshold first."""
    report = _read_gate_report(run)
    return drift_from_json(report) if report else []


def _has_champion(run: Run) -> bool:
    """Whether there was a champion to compare the candidate with."""
    step = run.steps.get(CHAMPION_NODE)
    return step is not None and any(step.outputs.values())


def _read_gate_report(run: Run) -> str:
    step = run.steps.get(GATE_NODE)
    if step is None:
        return ""
    if step.code == DataBlocked.exit_code:
        return step.message
    verdict = step.output("verdict") if step.done else None
    try:
        return Path(verdict.uri).read_text(encoding="utf-8") if verdict else ""
    except OSError:
        return ""  # the artifact was removed


def _step_failure(node: str, step: Step | None, raised: BaseException | None) -> FlightlineError:
    if step is not None and (blocked := gate_block_error(step)):
        return blocked
    if isinstance(raised, FlightlineError):
        return raised
    if isinstance(raised, KeyboardInterrupt):
        return Interrupted(f"interrupted in {node}", RESUME_HINT)
    if raised is not None:
        diagnosis = diagnose(raised)
        if diagnosis is not None:
            return StepFailed(f"{node} failed: {diagnosis.problem}", diagnosis.fix)
        return StepFailed(f"{node} failed: {summarize_error(raised)}", _failure_hint(raised))
    if step is None:
        return StepFailed(f"{node} never ran", "see the log")
    if step.state in ("RUNNING", "NEW"):
        return StepFailed(f"{node} has not ended: it is still running, or its run was killed", RESUME_HINT)
    if diagnosis := diagnose_text(step.message):
        return StepFailed(f"{node} failed: {diagnosis.problem}", diagnosis.fix)
    reason = f": {step.message}" if step.message else " without a reason in ML Metadata"
    return StepFailed(f"{node} is {step.state}{reason}", "see the log")


def _failure_hint(raised: BaseException) -> str:
    if "ModuleNotFoundError" in str(raised):  # in the traceback of a remote worker
        return "the engine's workers lack this module: install the project's wheel and requirements.lock there"
    if "DEADLINE_EXCEEDED" in str(raised):
        return "the engine or its workers did not answer in time: check that they run and are reachable"
    return "the log has the traceback"


def _why_not_pushed(run: Run, evaluation: Evaluation | None) -> str:
    reasons = []
    if run.servable is False:
        blessing = run.steps["ServingCheck"].output("blessing")
        reason = properties_of(blessing).get("reason", "it did not pass") if blessing else "it did not pass"
        reasons.append(f"the serving check refused the model: {reason}")
    if run.blessed is False:
        missed = evaluation.missed_thresholds if evaluation else []
        more = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        reasons.append(f"{missed[0].sentence}{more}" if missed else "the Evaluator did not bless the model")
    return "; ".join(reasons) or "the Pusher did not push the model, though it has both blessings; see the log"
