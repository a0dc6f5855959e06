"""The `flightline` command. It starts without TensorFlow; commands that need it import it when they run."""

from __future__ import annotations

import typer

from flightline.cli import (
    audit,
    doctor,
    gc,
    init,
    inspect,
    monitor,
    new,
    recover,
    releases,
    reproduce,
    runs,
    sbom,
    schema,
    score,
    serving,
    track,
    verify,
)
from flightline.utils.files import restrict_umask
from flightline.utils.process_start import prepare_process

# In the order of `flightline --help`: what one starts with first.
GROUPS = (
    new.COMMANDS,
    init.COMMANDS,
    schema.COMMANDS,
    runs.COMMANDS,
    inspect.COMMANDS,
    releases.COMMANDS,
    sbom.COMMANDS,
    serving.COMMANDS,
    score.COMMANDS,
    monitor.COMMANDS,
    audit.COMMANDS,
    verify.COMMANDS,
    recover.COMMANDS,
    reproduce.COMMANDS,
    track.COMMANDS,
    gc.COMMANDS,
    doctor.COMMANDS,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
for group in GROUPS:
    group.register(app)


@app.callback()
def flightline() -> None:
    """Set up a pipeline, inspect its runs, and release, serve and monitor its models."""
    restrict_umask()


def main() -> None:
    """The entry point."""
    prepare_process()
    app()
