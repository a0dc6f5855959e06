"""What every command of `flightline` shares: options, exit codes, the console, JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from flightline.errors import FlightlineError, print_error
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs

PIPE_WIDTH = 200
ConfigOption = Annotated[Path, typer.Option("--config", help="The pipeline's config.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]


def with_exit_codes(command: Callable[..., None]) -> Callable[..., None]:
    """A failure is one line on stderr and its exit code."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except FlightlineError as error:
            print_error(sys.stderr, error)
            raise typer.Exit(error.exit_code) from error

    return guarded


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever reads has seen enough (`| head`): what the command does besides is done all the same."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_console() -> Console:
    """The terminal as wide as it is; a pipe as wide as the widest table."""
    return _Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def warn_foreign_runs(runs: Runs, *shown: Run) -> None:
    """On stderr, which of the runs that are shown are not of the config's pipeline, and whose they are."""
    for run in shown:
        if not runs.belongs_to_pipeline(run):
            typer.echo(f"run {run.run_id} is of the pipeline {run.pipeline}", err=True)


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2))
