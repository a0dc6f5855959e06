"""`flightline recover`: rebuild a lost metadata store from the records beside the artifacts."""

from __future__ import annotations

from dataclasses import asdict

import typer

from flightline.cli.common import CommandGroup, JsonOption, print_json
from flightline.config.settings import Config
from flightline.metadata.recover import recover_store
from flightline.runs.state.lock import pipeline_lock

COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("recover")
def recover(config: Config, as_json: JsonOption = False) -> None:
    """Rebuild a lost metadata.db from the records beside the artifacts, and say what cannot be rebuilt."""
    with pipeline_lock(config, "recover"):
        found = recover_store(config)
    if as_json:
        print_json({**asdict(found), "path": str(found.path)})
        return
    typer.echo(
        f"rebuilt {found.path}: {len(found.runs)} runs, {found.executions} executions, {found.artifacts} artifacts"
    )
    for problem in found.unreadable:
        typer.echo(f"not rebuilt, unreadable record: {problem}", err=True)
    for folder in found.unrecorded:
        typer.echo(f"not rebuilt, no record of its execution: {folder}; move it away", err=True)
    if found.missing:
        typer.echo(f"{len(found.missing)} artifacts have no files: lost, or removed by `flightline gc`", err=True)
    typer.echo("`flightline verify` compares the artifacts with their records")
