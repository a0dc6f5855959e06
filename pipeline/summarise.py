"""Judging a finished run from ML Metadata, and making its release current where it earned one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.features import plan_features
from pipeline.config import Config
from pipeline.errors import DONE, FlightlineError
from pipeline.evaluation_files import read_evaluation
from pipeline.input_contract import input_contract
from pipeline.metadata.evaluations import keep_evaluation
from pipeline.metadata.runs import Run
from pipeline.metadata.store import properties_of
from pipeline.observer import RunObserver
from pipeline.outcome import GATE, PUSHER, failure_of, gate_findings
from pipeline.releases import release
from pipeline.spans import SpanPlan, called
from pipeline.summary import SpanSummary, Summary
from pipeline.verdict import OVERALL, Evaluation


def summarise(
    config: Config, observer: RunObserver, expected: Sequence[str], plan: SpanPlan | None = None
) -> tuple[Summary, FlightlineError | None]:
    """The summary of the observed run, and why it is not done.

    Args:
        expected: the nodes that had to run, in topological order.
        plan: what it was to do with its span, where spans come in one by one.
    """
    run = observer.run()
    evaluation = read_evaluation(run, config.evaluation)
    if evaluation is not None:
        keep_evaluation(observer.store, run, evaluation)
    failure = failure_of(run, expected, observer.failures, evaluation)
    summary = Summary(
        run_id=run.run_id,
        pipeline=config.name,
        exit_code=failure.exit_code if failure else DONE,
        failure=str(failure) if failure else "",
        steps={node: run.steps[node].state if node in run.steps else "NOT RUN" for node in expected},
        rows=run.rows,
        rejected_file=_rejected_file(run),
        findings=gate_findings(run),
        evaluation=evaluation,
        release=_released(config, run, evaluation) if failure is None and PUSHER in expected else None,
        span=_span(config, run, plan) if plan else None,
    )
    return summary, failure


def _span(config: Config, run: Run, plan: SpanPlan) -> SpanSummary:
    """What the run did with its span; the window as ML Metadata has it."""
    resolved = run.steps["SpanWindow"].outputs.get("examples", []) if "SpanWindow" in run.steps else []
    window = [(properties_of(artifact)["span"], properties_of(artifact).get("version")) for artifact in resolved]
    gate = run.steps.get(GATE)
    note = plan.only_taken_in if gate and gate.done else ""
    return SpanSummary(plan.span, plan.name, [called(config, *one) for one in sorted(window)], note)


def _released(config: Config, run: Run, evaluation: Evaluation | None) -> str | None:
    """The run's release. One that was taken from the cache stays as it is: `CURRENT` may point elsewhere by now."""
    if run.pushed is not None and run.steps[PUSHER].state != "CACHED":
        metrics = dict(evaluation.metrics.get(OVERALL, {})) if evaluation else {}
        about = {"run": run.run_id, "pipeline": run.pipeline, "metrics": metrics, "inputs": _inputs(config, run)}
        release(Path(run.pushed), about)
    return run.pushed


def _inputs(config: Config, run: Run) -> list[dict[str, Any]]:
    """The input contract of what the run made, from the schema that its data were held to."""
    plan = plan_features(run.schema, config.label, config.features)
    return input_contract(run.schema, config.label, frozenset(plan.raw_names))


def _rejected_file(run: Run) -> str | None:
    if run.rows is None or not any(run.rows.rejected.values()):
        return None
    examples = run.steps["ExampleGen"].output("examples")
    files = sorted((Path(examples.uri) / "rejected").glob("*.csv")) if examples else []
    return str(files[0]) if files else None
