"""`flightline audit`: what changed production, and whether the log of it is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.releases import audit_log
from flightline.utils.terminal import escape


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("audit")(with_exit_codes(show_audit))


def show_audit(
    config: ConfigOption = DEFAULT_CONFIG,
    verify: Annotated[bool, typer.Option("--verify", help="Check that no line was edited, removed or added.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what changed production: runs, verdicts, releases, rollbacks, overrides, and by whom."""
    workspace = load_config(config).workspace
    entries = audit_log.verify(workspace) if verify else audit_log.read(workspace)
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    console = make_console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("", "at (UTC)", "event", "by", "about"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        about = ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value not in (None, ""))
        table.add_row(str(entry.number), entry.at[:19].replace("T", " "), entry.event, entry.by, escape(about))
    console.print(table)
    if verify:
        head = f": the last is {entries[-1].number}, {entries[-1].hash}" if entries else ""
        console.print(f"[bold]Whole[/]: {len(entries)} entries, each follows the one before{head}", soft_wrap=True)
