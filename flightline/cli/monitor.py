"""`flightline monitor | feedback`: watch a served release, and import the true labels of its predictions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import (
    CommandGroup,
    ConfigOption,
    JsonOption,
    PlainOption,
    RunIdOption,
    SetOption,
    print_json,
)
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.settings import Config
from flightline.errors import UsageError

COMMANDS = CommandGroup("Serve and monitor")
TIME_FORMAT = "YYYY-MM-DD[THH:MM[:SS]]"


@COMMANDS.add("monitor")
def monitor_release(  # takes the config's path: a retraining run loads it again
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar=TIME_FORMAT, help="Start of the window; the end of the last one by default."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar=TIME_FORMAT, help="End of the window; now by default.")
    ] = None,
    allow_retrain: Annotated[
        bool, typer.Option("--retrain", help="Let an alert start a run, within the limits of monitoring.retrain.")
    ] = False,
    run_id: RunIdOption = None,
    plain: PlainOption = False,
) -> None:
    """Measure a window of the prediction log: skew, drift, performance; raise alerts (exit 5: a critical one)."""
    from flightline.runs.monitoring import MonitorRequest, run_monitoring
    from flightline.runs.process.log_capture import silence_output

    settings = tuple(overrides or ())
    request = MonitorRequest(config, settings, parse_time(since), parse_time(until), run_id, allow_retrain, plain)
    code = run_monitoring(load_config(config, settings), request)
    silence_output()
    raise typer.Exit(code)


@COMMANDS.add("feedback")
def import_feedback(
    config: Config,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV or Parquet with request_id, row and the label.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Ingest labels for served requests; the next `flightline monitor` joins them with the predictions."""
    from flightline.monitoring.feedback import ingest_feedback

    imported = {file: ingest_feedback(config, file) for file in files}
    if as_json:
        print_json(
            [
                {
                    "file": str(file),
                    "rows_read": result.rows_read,
                    "ingested": result.ingested,
                    "rejected": result.rejected,
                    "duplicate": result.duplicate,
                }
                for file, result in imported.items()
            ]
        )
        return
    for file, result in imported.items():
        if result.duplicate:
            typer.echo(f"{file}: already ingested, nothing changed")
            continue
        rejected = "".join(f" + {reason} {rows:,}" for reason, rows in result.rejected.items())
        typer.echo(f"{file}: rows read {result.rows_read:,} = ingested {result.ingested:,}{rejected}")
        if result.rejected:
            typer.echo(f"rejected rows: {result.file.with_suffix('.rejected.csv')}")


def parse_time(text: str | None) -> float | None:
    """Seconds since the epoch of an ISO 8601 time; local time where it has no offset.

    Raises:
        UsageError: the text is not a time.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise UsageError(f"{text} is not a time", f"write {TIME_FORMAT}") from error
