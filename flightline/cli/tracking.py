"""`flightline track`: logs a finished run to MLflow, such as one that ended while the server was down."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flightline.cli.common import ConfigOption, JsonOption, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.metadata.runs import LATEST


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("track")(with_exit_codes(track_run))


def track_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")] = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Such as tracking.mlflow=embedded.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Log a run to MLflow, and register its release."""
    from flightline.reporting.mlflow.log_run import log_run

    tracked = log_run(load_config(config, settings or ()), run_id)
    if as_json:
        print_json(asdict(tracked))
        return
    typer.echo(f"MLflow   {tracked}")
