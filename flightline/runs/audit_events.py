"""Record a run in the audit log: its start, the verdicts of the gate and the Evaluator, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flightline.config.settings import Config
from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.metadata.provenance import read_provenance
from flightline.metadata.run import Run
from flightline.metadata.step import Step
from flightline.metadata.store import open_store, save_run_properties
from flightline.releases import audit_log
from flightline.releases.audit_anchors import AUDIT_HEAD_PROPERTY, format_head
from flightline.reporting.summary import Summary
from flightline.runs.outcome import GATE_NODE
from flightline.utils.hashing import file_digest

_SHORT_DIGEST_CHARS = 16


def record_run_started(config: Config, folder: Path, runner: str) -> None:
    """Record a run that is about to start, whose folder has its config and provenance.

    Raises:
        AuditLogCorrupted: the log was modified; the run is not added to it.
    """
    origin = read_provenance(folder)
    audit_log.record(
        config.workspace,
        "run started",
        run=folder.name,
        pipeline=config.name,
        runner=runner,
        config=file_digest(folder / "config.yaml")[:_SHORT_DIGEST_CHARS],
        commit=origin.commit[:_SHORT_DIGEST_CHARS] if origin and origin.commit else None,
        **({"reason": origin.run_arguments["reason"]} if origin and origin.run_arguments.get("reason") else {}),
    )


def record_verdicts(config: Config, run: Run, findings: Sequence[Finding], evaluation: Evaluation | None) -> None:
    """Record the verdicts of the gate and the Evaluator, and for a cached verdict the run that it comes from."""

    def record(event: str, step: Step, **facts: audit_log.Fact) -> None:
        audit_log.record(config.workspace, event, run=run.run_id, cached_from=step.cached_from, **facts)

    gate = run.steps.get(GATE_NODE)
    if gate is not None:
        blocking = [finding for finding in findings if finding.blocks]
        event = "gate passed" if gate.done else "gate blocked" if blocking else "gate failed"
        record(event, gate, findings=len(findings), blocking=len(blocking))
        overridden = [finding for finding in findings if finding.overridden]
        if overridden:
            record("overridden", gate, reason=gate.properties.get("override"), findings=len(overridden))
    if evaluation is not None and run.blessed is not None:
        missed = "; ".join(miss.sentence for miss in evaluation.missed_thresholds)
        auc = evaluation.metrics.get(OVERALL, {}).get("auc")
        record(
            "blessed" if run.blessed else "not blessed",
            run.steps["Evaluator"],
            auc=auc,
            missed_thresholds=missed or None,
        )


def record_run_ended(config: Config, run_id: str, summary: Summary) -> None:
    """Record how a run ended, and keep the log's head with the run in ML Metadata."""
    failure = summary.failure or None
    entry = audit_log.record(config.workspace, "run ended", run=run_id, exit_code=summary.exit_code, failure=failure)
    store = open_store(config)
    if store.get_context_by_type_and_name("pipeline_run", run_id) is not None:  # a run may end before its first step
        save_run_properties(store, run_id, {AUDIT_HEAD_PROPERTY: format_head(entry)})
