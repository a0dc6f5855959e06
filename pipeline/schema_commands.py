"""`flightline schema propose | accept`: a change in the world becomes a reviewed edit. Without TensorFlow."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline import audit
from pipeline.cli_common import ConfigOption, JsonOption, print_json, with_exit_codes
from pipeline.config import Config
from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.digests import file_digest
from pipeline.errors import UsageError
from pipeline.gate.proposal import Proposal, propose
from pipeline.metadata.runs import LATEST, Runs
from pipeline.outcome import gate_findings
from pipeline.releases import write_whole

STATISTICS_FILE = "FeatureStats.pb"
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    schema = typer.Typer(no_args_is_help=True, help="Change the curated schema for what a run was stopped by.")
    schema.command("propose")(with_exit_codes(show_proposal))
    schema.command("accept")(with_exit_codes(accept_proposal))
    app.add_typer(schema, name="schema")


def show_proposal(
    run_id: RunArgument = LATEST, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Show the smallest change of the curated schema that would let a run's data through."""
    loaded = load_config(config)
    run, proposal = _proposal(loaded, run_id)
    diff = _diff(loaded.schema_file, proposal)
    if as_json:
        print_json({"run": run, "schema": str(loaded.schema_file), "diff": diff, "cannot": proposal.cannot})
        return
    typer.echo(diff, nl=False)
    for problem in proposal.cannot:
        typer.echo(f"cannot be proposed: {problem}")
    if not diff:
        typer.echo(f"there is nothing to propose for run {run}")


def accept_proposal(
    reason: Annotated[str, typer.Option(help="Why the world is now like this; kept in the audit log.")],
    run_id: RunArgument = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the proposed change to the curated schema, and to the audit log with the reason."""
    loaded = load_config(config)
    if not reason.strip():
        raise UsageError("--reason is empty", "say why the schema changes")
    run, proposal = _proposal(loaded, run_id)
    diff = _diff(loaded.schema_file, proposal)
    if not diff:
        raise UsageError(f"there is nothing to accept for run {run}", "flightline schema propose says why")
    before = file_digest(loaded.schema_file)
    write_whole(loaded.schema_file, proposal.text)
    after = file_digest(loaded.schema_file)
    audit.record(loaded.workspace, "schema accepted", run=run, reason=reason, before=before[:16], after=after[:16])
    typer.echo(diff, nl=False)
    for problem in proposal.cannot:
        typer.echo(f"still stops the run: {problem}")
    typer.echo(f"written to {loaded.schema_file}; run the span again")


def _proposal(config: Config, run_id: str) -> tuple[str, Proposal]:
    run = Runs.open(config).get_own(run_id)
    step = run.steps.get("StatisticsGen")
    made = step.output("statistics") if step else None
    if made is None:
        raise UsageError(f"run {run.run_id} has no statistics", "name a run that came as far as the data gate")
    statistics = {}
    for path in sorted(Path(made.uri).glob(f"Split-*/{STATISTICS_FILE}")):
        read = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        statistics[path.parent.name.removeprefix("Split-")] = read.datasets[0]
    if not statistics:
        raise UsageError(f"the statistics of run {run.run_id} are not in {made.uri}", "run the span again")
    blocking = [finding for finding in gate_findings(run) if finding.blocks]
    return run.run_id, propose(config.schema_file.read_text(encoding="utf-8"), blocking, statistics)


def _diff(file: Path, proposal: Proposal) -> str:
    before = file.read_text(encoding="utf-8").splitlines(keepends=True)
    now = proposal.text.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, now, f"{file}", f"{file} (proposed)", n=2))
