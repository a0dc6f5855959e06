"""Judge a finished run by ML Metadata, and publish its release if it passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flightline.config.feature_planning import plan_features
from flightline.config.settings import Config
from flightline.errors import EXIT_OK, ArtifactDamaged, FlightlineError
from flightline.metadata.artifact_files import load_schema
from flightline.metadata.artifact_integrity import recorded_files
from flightline.metadata.evaluation import OVERALL, Evaluation, save_evaluation
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.metadata.run import Run
from flightline.metadata.tuning_reader import read_tuning_result
from flightline.releases.registry import prune_releases, publish_release
from flightline.releases.release import is_released
from flightline.releases.signature import build_input_contract, find_negative_label, read_signatures
from flightline.reporting.summary import SpanSummary, Summary
from flightline.runs.audit_events import record_verdicts
from flightline.runs.evaluation_reader import read_evaluation
from flightline.runs.outcome import GATE_NODE, PUSHER_NODE, find_failure, gate_drift, gate_findings
from flightline.runs.state.span_plan import SpanPlan, format_span
from flightline.runs.tfx.observer import RunObserver
from flightline.serving.file_records import RELEASE_FILES_KEY, UNRECORDED_RELEASE_FILES, FileRecords, find_damage

_SERVING_PREFIX = "Format-Serving/"  # of a Model's files: TFX's folder for the model to serve
# (node, output) whose content digests are in a release's description.
_DIGESTED_OUTPUTS = (
    ("ExampleGen", "examples"),
    ("CuratedSchema", "schema"),
    ("Transform", "transform_graph"),
    ("Trainer", "model"),
    ("Evaluator", "evaluation"),
)


def finalize_run(
    config: Config, observer: RunObserver, expected: Sequence[str], plan: SpanPlan | None = None
) -> tuple[Summary, FlightlineError | None]:
    """Return the summary of the observed run, and why it failed.

    Args:
        expected: the nodes that had to run, in topological order.
        plan: what the run does with its span; None without a `window`.
    """
    run = observer.run()
    evaluation = read_evaluation(run, config.evaluation)
    if evaluation is not None:
        save_evaluation(observer.store, run.steps, evaluation)
    failure = find_failure(run, expected, observer.failures, evaluation) or _find_push_damage(run)
    findings = gate_findings(run)
    record_verdicts(config, run, findings, evaluation)
    summary = Summary(
        run_id=run.run_id,
        pipeline=config.name,
        exit_code=failure.exit_code if failure else EXIT_OK,
        failure=str(failure) if failure else "",
        steps={node: run.steps[node].state if node in run.steps else "NOT RUN" for node in expected},
        rows=run.rows,
        rejected_file=_rejected_file(run),
        findings=findings,
        drift=gate_drift(run),
        evaluation=evaluation,
        release=_publish_release(config, observer, run, evaluation)
        if failure is None and PUSHER_NODE in expected
        else None,
        span=_summarize_span(config, run, plan) if plan else None,
        search=read_tuning_result(run.steps),
    )
    return summary, failure


def _summarize_span(config: Config, run: Run, plan: SpanPlan) -> SpanSummary:
    """Return what the run did with its span, with the window that ML Metadata has."""
    resolved = run.steps["SpanWindow"].outputs.get("examples", []) if "SpanWindow" in run.steps else []
    window = [(properties_of(artifact)["span"], properties_of(artifact).get("version")) for artifact in resolved]
    gate = run.steps.get(GATE_NODE)
    note = plan.ingest_only_reason if gate and gate.done else ""
    return SpanSummary(plan.span, plan.name, [format_span(config, *one) for one in sorted(window)], note)


def _publish_release(config: Config, observer: RunObserver, run: Run, evaluation: Evaluation | None) -> str | None:
    """Publish what the run pushed, and return its path; None without a push.

    A cached push that was published before is left alone, as another release may be current now. A push whose run was
    killed before it published is published by the next run."""
    if run.pushed is not None and not (Path(run.pushed) / "saved_model.pb").is_file():
        observer.note(f"the release {run.pushed} was retired since; --no-cache trains and releases it again")
        return None
    if run.pushed is not None and not is_released(Path(run.pushed)):
        metrics = dict(evaluation.metrics.get(OVERALL, {})) if evaluation else {}
        about = {
            "run": run.run_id,
            "pipeline": run.pipeline,
            "metrics": metrics,
            "inputs": _release_inputs(config, run),
        }
        negative = find_negative_label(load_schema(run), config.label, config.positive_label)
        about["target"] = replace(config.target, negative=negative).to_json()
        publish_release(
            Path(run.pushed),
            {
                **about,
                **_files_record(run),
                "signatures": read_signatures(Path(run.pushed)),
                "digests": _output_digests(run),
            },
            config.workspace,
        )
        prune_releases(config.releases, config.release.keep, config.workspace)
    return run.pushed


def _pushed_model_files(run: Run) -> FileRecords | None:
    """Return the record of the files that the Trainer exported for serving; None where there is none.

    The release is compared with what the Evaluator judged, not with what lies in the folder by now.
    """
    step = run.steps.get("Trainer")
    model = step.output("model") if step and step.done else None
    recorded = recorded_files(model) if model is not None else None
    if recorded is None:
        return None
    return {
        name.removeprefix(_SERVING_PREFIX): entry
        for name, entry in recorded.items()
        if name.startswith(_SERVING_PREFIX)
    }


def _files_record(run: Run) -> dict[str, FileRecords]:
    files = _pushed_model_files(run)
    return {RELEASE_FILES_KEY: files} if files else {}


def _find_push_damage(run: Run) -> FlightlineError | None:
    """Return an error if a version that is about to be published is not the model that was evaluated."""
    files = _pushed_model_files(run)
    if run.pushed is None or not files or not Path(run.pushed).is_dir() or is_released(Path(run.pushed)):
        return None
    damage = find_damage(Path(run.pushed), files, ignored=UNRECORDED_RELEASE_FILES)
    if not damage:
        return None
    return ArtifactDamaged(
        f"{run.pushed} is not the model that was evaluated: {damage[0]}; nothing was released",
        "run again: the model is pushed again",
    )


def _output_digests(run: Run) -> dict[str, str]:
    """Return output → content digest of everything that a release is made of."""
    artifacts = {output: run.steps[node].output(output) for node, output in _DIGESTED_OUTPUTS if node in run.steps}
    return {
        name: str(properties_of(artifact).get(CONTENT_DIGEST_PROPERTY, ""))
        for name, artifact in artifacts.items()
        if artifact
    }


def _release_inputs(config: Config, run: Run) -> list[dict[str, Any]]:
    """Return the input contract of the run's model, from the schema that its data were checked against."""
    schema = load_schema(run)
    plan = plan_features(schema, config.label, config.features, config.target)
    return [feature.to_json() for feature in build_input_contract(schema, config.label, frozenset(plan.raw_names))]


def _rejected_file(run: Run) -> str | None:
    if run.rows is None or not any(run.rows.rejected.values()):
        return None
    examples = run.steps["ExampleGen"].output("examples")
    files = sorted((Path(examples.uri) / "rejected").glob("*.csv")) if examples else []
    return str(files[0]) if files else None
