"""Explain a run's outcome: why each step ran, the gate's findings, the thresholds, the champion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import OVERALL, ChampionDifference, Evaluation, SliceGap, read_evaluation
from flightline.metadata.run import Run
from flightline.metadata.step import Step
from flightline.runs.outcome import find_failure, gate_block_error, gate_findings
from flightline.runs.step_reason import stored_reason


@dataclass(frozen=True)
class StepReason:
    """Why a step ran, came from the cache, or failed."""

    node: str
    state: str
    reason: str


@dataclass(frozen=True)
class ThresholdCheck:
    """A threshold and the value compared with it.

    Attributes:
        metric: the metric.
        slice: the slice; `overall` is all rows.
        value: the candidate's value.
        champion: the champion's value; None without a champion.
        bound: the threshold in words.
        met: whether the value meets it.
        rows: the number of rows in the slice.
    """

    metric: str
    slice: str
    value: float | None
    champion: float | None
    bound: str
    met: bool
    rows: int | None


@dataclass(frozen=True)
class RunExplanation:
    """Everything that explains a run's outcome.

    Attributes:
        run: the run's id.
        outcome: released, not blessed, blocked, failed or unfinished, and why.
        gate: the data gate's findings.
        checks: the thresholds on all rows, then those missed on slices, then the gaps between slices.
        slices_without_rows: slices that have a threshold and no rows.
        steps: in the order in which they started.
        differences: from the champion on all rows, with intervals. For information; the thresholds decide.
        champion_load_error: why the champion could not be loaded; empty if it could, or if there is none.
    """

    run: str
    outcome: str
    gate: list[Finding]
    checks: list[ThresholdCheck]
    slices_without_rows: list[str]
    steps: list[StepReason]
    differences: list[ChampionDifference]
    champion_load_error: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def explain_run(run: Run) -> RunExplanation:
    """Explain a run from ML Metadata alone."""
    evaluation = read_evaluation(run.steps)
    return RunExplanation(
        run=run.run_id,
        outcome=_describe_outcome(run, evaluation),
        gate=gate_findings(run),
        checks=_threshold_checks(evaluation) if evaluation else [],
        slices_without_rows=list(evaluation.slices_without_rows) if evaluation else [],
        steps=[StepReason(step.node, step.state, explain_step(step)) for step in run.steps.values()],
        differences=list(evaluation.differences) if evaluation else [],
        champion_load_error=evaluation.champion_load_error if evaluation else "",
    )


def explain_step(step: Step) -> str:
    """Return why a step ran, came from the cache or failed; empty for nodes that only resolve artifacts."""
    if blocked := gate_block_error(step):
        return blocked.problem
    if not step.done and step.message:
        return step.message if len(step.message) < 200 else step.message[:199] + "…"
    return stored_reason(step)


def _describe_outcome(run: Run, evaluation: Evaluation | None) -> str:
    if run.pushed:
        return f"released to {run.pushed}"
    failure = find_failure(run, list(run.steps), {}, evaluation)
    if failure is not None:
        return str(failure)
    return "ended before the release step"


def _threshold_checks(evaluation: Evaluation) -> list[ThresholdCheck]:
    """Return every threshold on all rows, the missed ones on slices, and every gap between slices."""
    missed = {(miss.metric, miss.slice): miss for miss in evaluation.missed_thresholds if not miss.gap}
    checks = []
    for metric, bound in evaluation.bounds.items():
        miss = missed.pop((metric, OVERALL), None)
        checks.append(_threshold_check(evaluation, metric, OVERALL, miss.sentence if miss else bound, miss is None))
    checks += [
        _threshold_check(evaluation, metric, name, miss.sentence, False) for (metric, name), miss in missed.items()
    ]
    return checks + [_gap_check(gap) for gap in evaluation.gaps]


def _gap_check(gap: SliceGap) -> ThresholdCheck:
    """Return a gap between slices as a threshold; its rows are those of the smaller slice."""
    rows = min(gap.best_rows, gap.worst_rows) if gap.value is not None else None
    bound = f"≤ {gap.max_gap:.4g}: {gap.description}"
    return ThresholdCheck(gap.metric, f"gap by {gap.columns}", gap.value, None, bound, gap.within_limit, rows)


def _threshold_check(evaluation: Evaluation, metric: str, name: str, bound: str, met: bool) -> ThresholdCheck:
    measured = evaluation.metrics.get(name, {})
    rows = measured.get("example_count")
    champion = evaluation.champion.get(name, {}).get(metric)
    return ThresholdCheck(metric, name, measured.get(metric), champion, bound, met, None if rows is None else int(rows))
