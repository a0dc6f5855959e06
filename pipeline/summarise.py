"""Judging a finished run from ML Metadata, and making its release current where it earned one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.features import plan_features
from pipeline import audit
from pipeline.cache import CONTENT_DIGEST
from pipeline.config import Config
from pipeline.errors import DONE, FlightlineError
from pipeline.evaluation_files import read_evaluation
from pipeline.input_contract import input_contract, label_values
from pipeline.metadata.evaluations import keep_evaluation
from pipeline.metadata.run import Run
from pipeline.metadata.store import properties_of
from pipeline.observer import RunObserver
from pipeline.outcome import GATE, PUSHER, failure_of, gate_drift, gate_findings
from pipeline.releases import is_released, release, retire
from pipeline.run_events import run_judged
from pipeline.search_results import search_of
from pipeline.signatures import signatures_of
from pipeline.spans import SpanPlan, called
from pipeline.summary import SpanSummary, Summary
from pipeline.verdict import OVERALL, Evaluation

# What a release is made of, as its description has the digests.
_MADE_OF = (
    ("ExampleGen", "examples"),
    ("CuratedSchema", "schema"),
    ("Transform", "transform_graph"),
    ("Trainer", "model"),
    ("Evaluator", "evaluation"),
)


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
    findings = gate_findings(run)
    run_judged(config, run, findings, evaluation)
    summary = Summary(
        run_id=run.run_id,
        pipeline=config.name,
        exit_code=failure.exit_code if failure else DONE,
        failure=str(failure) if failure else "",
        steps={node: run.steps[node].state if node in run.steps else "NOT RUN" for node in expected},
        rows=run.rows,
        rejected_file=_rejected_file(run),
        findings=findings,
        drift=gate_drift(run),
        evaluation=evaluation,
        release=_released(config, observer, run, evaluation) if failure is None and PUSHER in expected else None,
        span=_span(config, run, plan) if plan else None,
        search=search_of(run),
    )
    return summary, failure


def _span(config: Config, run: Run, plan: SpanPlan) -> SpanSummary:
    """What the run did with its span; the window as ML Metadata has it."""
    resolved = run.steps["SpanWindow"].outputs.get("examples", []) if "SpanWindow" in run.steps else []
    window = [(properties_of(artifact)["span"], properties_of(artifact).get("version")) for artifact in resolved]
    gate = run.steps.get(GATE)
    note = plan.only_taken_in if gate and gate.done else ""
    return SpanSummary(plan.span, plan.name, [called(config, *one) for one in sorted(window)], note)


def _released(config: Config, observer: RunObserver, run: Run, evaluation: Evaluation | None) -> str | None:
    """The run's release, current from now on. One that was released before stays as it is: `CURRENT` may be another
    by now. What was pushed and, for its run was killed, never released, is released by the next run."""
    if run.pushed is not None and not (Path(run.pushed) / "saved_model.pb").is_file():
        observer.note(f"what was pushed to {run.pushed} was retired since; --no-cache makes and releases it again")
        return None
    if run.pushed is not None and not is_released(Path(run.pushed)):
        metrics = dict(evaluation.metrics.get(OVERALL, {})) if evaluation else {}
        about = {"run": run.run_id, "pipeline": run.pipeline, "metrics": metrics, "inputs": _inputs(config, run)}
        values = label_values(run.schema, config.label, config.positive)
        about["target"] = config.target.model_dump(mode="json") | ({"values": values} if values else {})
        audit.record(config.workspace, "pushed", run=run.run_id, release=Path(run.pushed).name)
        release(Path(run.pushed), {**about, "signatures": signatures_of(Path(run.pushed)), "digests": _digests(run)})
        for version in retire(config.releases, config.release.keep):
            audit.record(config.workspace, "retired", pipeline=config.name, release=version)
    return run.pushed


def _digests(run: Run) -> dict[str, str]:
    """Content digests of what a release is made of, by the output's name."""
    artifacts = {output: run.steps[node].output(output) for node, output in _MADE_OF if node in run.steps}
    return {name: str(properties_of(one).get(CONTENT_DIGEST, "")) for name, one in artifacts.items() if one}


def _inputs(config: Config, run: Run) -> list[dict[str, Any]]:
    """The input contract of what the run made, from the schema that its data were held to."""
    plan = plan_features(run.schema, config.label, config.features, config.target)
    return input_contract(run.schema, config.label, frozenset(plan.raw_names))


def _rejected_file(run: Run) -> str | None:
    if run.rows is None or not any(run.rows.rejected.values()):
        return None
    examples = run.steps["ExampleGen"].output("examples")
    files = sorted((Path(examples.uri) / "rejected").glob("*.csv")) if examples else []
    return str(files[0]) if files else None
