"""`flightline serve | score`: a release answers requests, or whole files. Without TensorFlow until it has to be."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli_common import ConfigOption, with_exit_codes
from pipeline.config_file import DEFAULT_CONFIG, load_config

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("serve", serve_release),):
        app.command(name)(with_exit_codes(command))


def serve_release(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Serve the current release over HTTP and gRPC, on this machine, until Ctrl-C."""
    from pipeline.serving import serve

    raise typer.Exit(serve(load_config(config, overrides or ())))
