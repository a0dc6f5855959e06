"""`flightline monitor | feedback`: watch a served release, and ingest labels. Imports TensorFlow only to monitor."""

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
        str | None,
        typer.Option(metavar=TIME_FORMAT, help="Start of the window; by default the end of the previous one."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar=TIME_FORMAT, help="End of the window; now by default.")] = None,
    allow_retrain: Annotated[
        bool, typer.Option("--retrain", help="Let an alert start a run, within the budget of monitoring.retrain.")
    ] = False,
    run_id: Annotated[str | None, typer.Option(help="Names the run; made of the time by default.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event, for logs and pipes.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Measure a window of the prediction log: skew, drift, performance. Raise alerts (exit code 5: a critical one)."""
    from flightline.runs.monitoring import MonitorRequest, run_monitoring
    from flightline.runs.process.log_capture import silence_output

    options = tuple(overrides or ())
    request = MonitorRequest(config, options, parse_time(since), parse_time(until), run_id, allow_retrain, plain)
    code = run_monitoring(load_config(config, options), request)
    silence_output()
    raise typer.Exit(code)


def import_feedback(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV or Parquet: request_id, row, the label.")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ingest labels for served requests; the next `flightline monitor` joins them with the predictions."""
    from flightline.monitoring.feedback import ingest_feedback

    loaded = load_config(config, tuple(overrides or ()))
    results = {file: ingest_feedback(loaded, file) for file in files}
    if as_json:
        print_json(
            [
                {
                    "file": str(file),
                    "rows_read": t.rows_read,
                    "ingested": t.ingested,
                    "rejected": t.rejected,
                    "duplicate": t.duplicate,
                }
                for file, t in results.items()
            ]
        )
        return
    for file, result in results.items():
        if result.duplicate:
            typer.echo(f"{file}: already ingested, nothing changed")
            continue
        rejected = "".join(f" + {reason} {rows:,}" for reason, rows in result.rejected.items())
        typer.echo(f"{file}: rows read {result.rows_read:,} = ingested {result.ingested:,}{rejected}")
        if result.rejected:
            typer.echo(f"rejected rows: {result.file.with_suffix('.rejected.csv')}")


def parse_time(text: str | None) -> float | None:
    """Convert a local time, or one with a UTC offset, to seconds since the epoch.

    Raises:
        UsageError: the text is not a time.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise UsageError(f"{text} is not a time", f"write {TIME_FORMAT}") from error
