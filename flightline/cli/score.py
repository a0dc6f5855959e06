"""`flightline score`: score whole files with a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, ConfigOption, PlainOption, ReleaseOption, RunIdOption, SetOption
from flightline.config.engines import ENGINES
from flightline.config.loader import DEFAULT_CONFIG, load_config

COMMANDS = CommandGroup("Serve and monitor")


@COMMANDS.add("score")
def score_files(
    inputs: Annotated[
        list[str],
        typer.Option("--input", metavar="FILES", help="CSV or Parquet files, a glob or a folder; repeatable."),
    ],
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="The folder for predictions.parquet and rejected.csv.")
    ],
    version: ReleaseOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="|".join(ENGINES), help="The Beam engine; engine.name by default.")
    ] = None,
    run_id: RunIdOption = None,
    plain: PlainOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Score whole files with a release: predictions as Parquet, with file, line, version and time."""
    from flightline.runs.process.log_capture import silence_output
    from flightline.runs.scoring import ScoreRequest, run_scoring

    settings = [*(overrides or []), *([f"engine.name={engine}"] if engine else [])]
    code = run_scoring(load_config(config, settings), ScoreRequest(inputs, output, version, run_id, plain))
    silence_output()
    raise typer.Exit(code)
