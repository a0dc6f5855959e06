"""Why a run came to what it came to: each step's reason to run or not, the gate, the thresholds, the champion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flightline.executors.data_gate.findings import Finding
from flightline.metadata.cache_key import reason_to_run
from flightline.metadata.evaluation import OVERALL, ChampionDifference, Evaluation, SliceGap, read_evaluation
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.step import Step
from flightline.runs.outcome import find_failure, gate_block_error, gate_findings


@dataclass(frozen=True)
class StepReason:
    """Why a step ran, was taken from an earlier run, or failed."""

    node: str
    state: str
    reason: str


@dataclass(frozen=True)
class ThresholdCheck:
    """One threshold and what was held against it.

    Attributes:
        metric: what was measured.
        slice: where: `overall` is all rows.
        value: of the candidate.
        champion: the same of the champion, where there was one.
        bound: what it had to be, in words.
        met: whether it was.
        rows: of the slice.
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
    """All that explains a run's verdict.

    Attributes:
        run: the run's id.
        outcome: released, not blessed, blocked, failed or unfinished, and the sentence that says why.
        gate: what the data gate found.
        checks: the thresholds on all rows, then those that were missed on slices, then the gaps between slices.
        unchecked: slices that a threshold asks for and that no row belongs to.
        steps: in the order in which they were started.
        differences: to the champion on all rows, with their intervals. They inform; thresholds decide.
        champion_load_error: why there was a release to compare with and no comparison; else empty.
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


def explain_run(runs: Runs, run: Run) -> RunExplanation:
    """Explains a run from ML Metadata alone."""
    evaluation = read_evaluation(run.steps)
    return RunExplanation(
        run=run.run_id,
        outcome=_describe_outcome(run, evaluation),
        gate=gate_findings(run),
        checks=_threshold_checks(evaluation) if evaluation else [],
        slices_without_rows=list(evaluation.slices_without_rows) if evaluation else [],
        steps=[StepReason(step.node, step.state, explain_step(runs, run, step)) for step in run.steps.values()],
        differences=list(evaluation.differences) if evaluation else [],
        champion_load_error=evaluation.champion_load_error if evaluation else "",
    )


def explain_step(runs: Runs, run: Run, step: Step) -> str:
    """Why a step ran, or was not run again; nothing for nodes that only look things up."""
    if blocked := gate_block_error(step):
        return blocked.what
    if not step.done and step.message:
        return step.message if len(step.message) < 200 else step.message[:199] + "…"
    if step.key_parts is None:
        return ""
    if step.state == "CACHED":
        return f"from {step.cached_from}: nothing it depends on has changed"
    before = runs.before(run, step.node)
    return reason_to_run(step.key_parts, before.key_parts if before else None, cache=True)


def _describe_outcome(run: Run, evaluation: Evaluation | None) -> str:
    if run.pushed:
        return f"released to {run.pushed}"
    failure = find_failure(run, list(run.steps), {}, evaluation)
    if failure is not None:
        return str(failure)
    return "it ended before a release was asked for"


def _threshold_checks(evaluation: Evaluation) -> list[ThresholdCheck]:
    """Every threshold on all rows; of those on slices, the ones that were not met; every gap between slices."""
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
    """The gap as a threshold: what differs between which slices, and how many rows of the smaller one say so."""
    rows = min(gap.best_rows, gap.worst_rows) if gap.value is not None else None
    bound = f"≤ {gap.max_gap:.4g}: {gap.description}"
    return ThresholdCheck(gap.metric, f"gap by {gap.columns}", gap.value, None, bound, gap.within_limit, rows)


def _threshold_check(evaluation: Evaluation, metric: str, name: str, bound: str, met: bool) -> ThresholdCheck:
    measured = evaluation.metrics.get(name, {})
    rows = measured.get("example_count")
    champion = evaluation.champion.get(name, {}).get(metric)
    return ThresholdCheck(metric, name, measured.get(metric), champion, bound, met, None if rows is None else int(rows))
