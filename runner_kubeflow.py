"""Compiles the training pipeline for Kubeflow Pipelines or Vertex AI; docs/kubeflow.md says how to submit it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import FlightlineError, print_error
from flightline.runs.kubeflow import check_kubeflow, compile_to_file, spec_notes
from flightline.runs.process.log_capture import silence_output
from flightline.utils.process_start import prepare_process


def main(
    output: Annotated[
        Path, typer.Option(help="The spec: a PipelineJob in a .json file, its pipelineSpec alone in a .yaml file.")
    ],
    config: Annotated[Path, typer.Option(help="The pipeline's config.")] = DEFAULT_CONFIG,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
    ] = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Take unchanged steps from earlier runs.")] = True,
) -> None:
    """Compile the training pipeline to a KFP v2 spec (2.1), without a network or credentials."""
    try:
        settings = load_config(config, overrides or ())
        check_kubeflow(settings, output)
        compile_to_file(output, settings, cache)
    except FlightlineError as error:
        print_error(sys.stderr, error)
        raise typer.Exit(error.exit_code) from error
    for line in (f"Compiled {settings.name} for {settings.engines.kubeflow.platform}: {output}", *spec_notes(settings)):
        typer.echo(line)
    silence_output()


if __name__ == "__main__":
    prepare_process()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
