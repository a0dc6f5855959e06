"""`flightline monitor | feedback`: what a served release does, and the labels that come back. TensorFlow at need."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import ConfigOption, JsonOption, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import UsageError

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
]
TIME_FORMAT = "YYYY-MM-DD[THH:MM[:SS]]"


def register_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("monitor")(with_exit_codes(monitor_command))
    app.command("feedback")(with_exit_codes(import_feedback))


def monitor_command(
    since: Annotated[
        str | None, typer.Option(metavar=TIME_FORMAT, help="Begin of the window; the end of the last one by default.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar=TIME_FORMAT, help="Its end; now by default.")] = None,
    allow_retrain: Annotated[
        bool, typer.Option("--retrain", help="An alert may start a run, within monitoring.retrain's budget.")
    ] = False,
    run_id: Annotated[str | None, typer.Option(help="Names the run; made of the time by default.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event, for logs and pipes.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Measure a window of the prediction log: skew, drift, performance; raise alerts (exit 5: a critical one)."""
    from flightline.runs.monitoring import MonitorRequest, run_monitoring
    from flightline.runs.process.log_capture import silence_output

    asked = tuple(overrides or ())
    request = MonitorRequest(config, asked, parse_time(since), parse_time(until), run_id, allow_retrain, plain)
    code = run_monitoring(load_config(config, asked), request)
    silence_output()
    raise typer.Exit(code)


def import_feedback(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV or Parquet: request_id, row, the label.")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take labels that came back for requests; the next `monitor` joins them with what was answered."""
    from flightline.monitoring.feedback import ingest_feedback

    loaded = load_config(config, tuple(overrides or ()))
    taken = {file: ingest_feedback(loaded, file) for file in files}
    if as_json:
        print_json(
            [
                {"file": str(file), "read": t.read, "kept": t.kept, "rejected": t.rejected, "already": t.already}
                for file, t in taken.items()
            ]
        )
        return
    for file, one in taken.items():
        if one.already:
            typer.echo(f"{file}: was taken before; nothing is done")
            continue
        rejected = "".join(f" + {reason} {rows:,}" for reason, rows in one.rejected.items())
        typer.echo(f"{file}: read {one.read:,} = labels {one.kept:,}{rejected}")
        if one.rejected:
            typer.echo(f"rows set aside: {one.file.with_suffix('.rejected.csv')}")


def parse_time(text: str | None) -> float | None:
    """Seconds since the epoch of a local time, or of one with its own offset.

    Raises:
        UsageError: it is no time.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise UsageError(f"{text} is not a time", f"write {TIME_FORMAT}") from error
