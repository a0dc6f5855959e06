"""`flightline monitor | feedback`: what a served release does, and the labels that come back. TensorFlow at need."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_common import ConfigOption, JsonOption, print_json, with_exit_codes
from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.errors import UsageError

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
]
TIME = "YYYY-MM-DD[THH:MM[:SS]]"


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("monitor")(with_exit_codes(monitor_window))
    app.command("feedback")(with_exit_codes(give_feedback))


def monitor_window(
    since: Annotated[
        str | None, typer.Option(metavar=TIME, help="Begin of the window; the end of the last one by default.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar=TIME, help="Its end; now by default.")] = None,
    may_retrain: Annotated[
        bool, typer.Option("--retrain", help="An alert may start a run, within monitoring.retrain's budget.")
    ] = False,
    run_id: Annotated[str | None, typer.Option(help="Names the run; made of the time by default.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event, for logs and pipes.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Measure a window of the prediction log: skew, drift, performance; raise alerts (exit 5: a critical one)."""
    from pipeline.log import nothing_more_to_say
    from pipeline.monitor.run import MonitorRequest, monitor

    asked = tuple(overrides or ())
    request = MonitorRequest(config, asked, moment(since), moment(until), run_id, may_retrain, plain)
    code = monitor(load_config(config, asked), request)
    nothing_more_to_say()
    raise typer.Exit(code)


def give_feedback(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV or Parquet: request_id, row, the label.")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take labels that came back for requests; the next `monitor` joins them with what was answered."""
    from pipeline.monitor.feedback import take_feedback

    loaded = load_config(config, tuple(overrides or ()))
    taken = {file: take_feedback(loaded, file) for file in files}
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


def moment(text: str | None) -> float | None:
    """Seconds since the epoch of a local time, or of one with its own offset.

    Raises:
        UsageError: it is no time.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise UsageError(f"{text} is not a time", f"write {TIME}") from error
