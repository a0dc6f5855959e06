"""`flightline schema propose | accept`: change the curated schema after the data gate stopped a run."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Annotated

import typer
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.cli.common import CommandGroup, JsonOption, RunArgument, print_json
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.executors.data_gate.schema_proposal import SchemaProposal, propose_schema
from flightline.metadata.runs import LATEST, Runs
from flightline.releases.audit_log import Fact
from flightline.releases.pending_change import AuditEvent, make_change
from flightline.releases.schema_change import SCHEMA_CHANGE_FILE, SCHEMA_LOCK, finish_interrupted_schema_change
from flightline.runs.outcome import gate_findings
from flightline.utils.file_lock import hold_lock
from flightline.utils.hashing import file_digest

STATISTICS_FILE = "FeatureStats.pb"
COMMANDS = CommandGroup("Set up", parent="schema", about="Change the curated schema after the data gate stopped a run.")


@COMMANDS.add("propose")
def show_proposal(config: Config, run_id: RunArgument = LATEST, as_json: JsonOption = False) -> None:
    """Show the smallest change of the curated schema that would let a run's data pass the gate."""
    run, proposal = _make_proposal(config, run_id)
    diff = _proposal_diff(config.schema_file, proposal)
    if as_json:
        print_json({"run": run, "schema": str(config.schema_file), "diff": diff, "not_proposed": proposal.not_proposed})
        return
    typer.echo(diff, nl=False)
    for problem in proposal.not_proposed:
        typer.echo(f"cannot be proposed: {problem}")
    if not diff:
        typer.echo(f"there is nothing to propose for run {run}")


@COMMANDS.add("accept")
def accept_proposal(
    config: Config,
    reason: Annotated[str, typer.Option("--reason", help="Why the data changed; kept in the audit log.")],
    run_id: RunArgument = LATEST,
) -> None:
    """Write the proposed change to the curated schema, and record it with the reason in the audit log."""
    if not reason.strip():
        raise UsageError("--reason is empty", "say why the schema changes")
    finish_interrupted_schema_change(config)
    run, proposal = _make_proposal(config, run_id)
    diff = _proposal_diff(config.schema_file, proposal)
    if not diff:
        raise UsageError(f"there is nothing to accept for run {run}", "`flightline schema propose` explains why")
    before = file_digest(config.schema_file)
    after = hashlib.sha256(proposal.text.encode()).hexdigest()
    facts: dict[str, Fact] = {"run": run, "reason": reason, "before": before[:16], "after": after[:16]}
    audit = AuditEvent(config.workspace, "schema accepted", facts)
    with hold_lock(config.workspace, SCHEMA_LOCK, "schema accept"):
        make_change(config.workspace / SCHEMA_CHANGE_FILE, {config.schema_file: proposal.text}, audit)
    typer.echo(diff, nl=False)
    for problem in proposal.not_proposed:
        typer.echo(f"still stops the run: {problem}")
    typer.echo(f"written to {config.schema_file}; run the span again")


def _make_proposal(config: Config, run_id: str) -> tuple[str, SchemaProposal]:
    run = Runs.open(config).get_in_pipeline(run_id)
    step = run.steps.get("StatisticsGen")
    made = step.output("statistics") if step else None
    if made is None:
        raise UsageError(f"run {run.run_id} has no statistics", "choose a run that reached the data gate")
    statistics = {}
    for path in sorted(Path(made.uri).glob(f"Split-*/{STATISTICS_FILE}")):
        read = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        statistics[path.parent.name.removeprefix("Split-")] = read.datasets[0]
    if not statistics:
        raise UsageError(f"the statistics of run {run.run_id} are not in {made.uri}", "run the span again")
    blocking = [finding for finding in gate_findings(run) if finding.blocks]
    return run.run_id, propose_schema(config.schema_file.read_text(encoding="utf-8"), blocking, statistics)


def _proposal_diff(file: Path, proposal: SchemaProposal) -> str:
    before = file.read_text(encoding="utf-8").splitlines(keepends=True)
    now = proposal.text.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, now, f"{file}", f"{file} (proposed)", n=2))
