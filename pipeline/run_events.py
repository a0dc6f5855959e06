"""What a run adds to the audit log: that it started, what the gate and the Evaluator said, what was released."""

from __future__ import annotations

from pathlib import Path

from pipeline import audit
from pipeline.config import Config
from pipeline.digests import file_digest
from pipeline.metadata.runs import Run
from pipeline.outcome import GATE, PUSHER
from pipeline.report.origin import read_origin
from pipeline.summary import Summary
from pipeline.verdict import OVERALL

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
    )


def run_ended(config: Config, run: Run, summary: Summary) -> None:
    """Records what came of a run. What was taken from the cache happened before, and is on record already."""

    def happened(node: str) -> bool:
        step = run.steps.get(node)
        return step is not None and step.state != "CACHED"

    def record(event: str, **facts: audit.Fact) -> None:
        audit.record(config.workspace, event, run=run.run_id, **facts)

    if happened(GATE):
        blocking = [finding for finding in summary.findings if finding.blocks]
        record("gate blocked" if blocking else "gate passed", findings=len(summary.findings), blocking=len(blocking))
    evaluation = summary.evaluation
    if happened("Evaluator") and evaluation is not None and run.blessed is not None:
        misses = "; ".join(miss.sentence for miss in evaluation.misses)
        auc = evaluation.metrics.get(OVERALL, {}).get("auc")
        record("blessed" if run.blessed else "not blessed", auc=auc, misses=misses or None)
    if happened(PUSHER) and summary.release:
        record("pushed", release=Path(summary.release).name)
    record("run ended", exit_code=summary.exit_code, failure=summary.failure or None)
