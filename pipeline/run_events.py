"""What a run adds to the audit log: that it started, what the gate and the Evaluator said, what was released."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline import audit
from pipeline.config import Config
from pipeline.digests import file_digest
from pipeline.gate.findings import Finding
from pipeline.metadata.run import Run, Step
from pipeline.outcome import GATE
from pipeline.report.origin import read_origin
from pipeline.summary import Summary
from pipeline.verdict import OVERALL, Evaluation

_SHORT = 16


def run_started(config: Config, folder: Path, runner: str) -> None:
    """Records a run that is about to start, whose folder has its config and its origin.

    Raises:
        audit.AuditBroken: the log is not what was written: no run is added to it.
    """
    origin = read_origin(folder)
    audit.record(
        config.workspace,
        "run started",
        run=folder.name,
        pipeline=config.name,
        runner=runner,
        config=file_digest(folder / "config.yaml")[:_SHORT],
        commit=origin.commit[:_SHORT] if origin and origin.commit else None,
        **({"reason": origin.asked["reason"]} if origin and origin.asked.get("reason") else {}),
    )


def run_judged(config: Config, run: Run, findings: Sequence[Finding], evaluation: Evaluation | None) -> None:
    """Records what the gate and the Evaluator said of a run's data and model, and where from, if it was cached."""

    def record(event: str, step: Step, **facts: audit.Fact) -> None:
        audit.record(config.workspace, event, run=run.run_id, cached_from=step.cached_from, **facts)

    gate = run.steps.get(GATE)
    if gate is not None:
        blocking = [finding for finding in findings if finding.blocks]
        event = "gate passed" if gate.done else "gate blocked" if blocking else "gate failed"
        record(event, gate, findings=len(findings), blocking=len(blocking))
        overridden = [finding for finding in findings if finding.overridden]
        if overridden:
            record("overridden", gate, reason=gate.properties.get("override"), findings=len(overridden))
    if evaluation is not None and run.blessed is not None:
        misses = "; ".join(miss.sentence for miss in evaluation.misses)
        auc = evaluation.metrics.get(OVERALL, {}).get("auc")
        record("blessed" if run.blessed else "not blessed", run.steps["Evaluator"], auc=auc, misses=misses or None)


def run_ended(config: Config, run_id: str, summary: Summary) -> None:
    """Records how a run ended."""
    failure = summary.failure or None
    audit.record(config.workspace, "run ended", run=run_id, exit_code=summary.exit_code, failure=failure)
