"""`flightline track`: log a run to MLflow afterwards, such as one that ended while the server was down."""

from __future__ import annotations

from dataclasses import asdict

import typer

from flightline.cli.common import CommandGroup, JsonOption, RunArgument, print_json
from flightline.config.settings import Config
from flightline.metadata.runs import LATEST

COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("track")
def track_run(config: Config, run_id: RunArgument = LATEST, as_json: JsonOption = False) -> None:
    """Log a run to MLflow (`--set tracking.mlflow=...`), and register what it released."""
    from flightline.reporting.mlflow.log_run import log_run

    tracked = log_run(config, run_id)
    if as_json:
        print_json(asdict(tracked))
        return
    typer.echo(f"MLflow   {tracked}")
