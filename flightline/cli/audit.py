"""`flightline audit`: list what changed production, and verify the log."""

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
    for column in ("", "time (UTC)", "event", "user", "facts"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value not in (None, ""))
        table.add_row(str(entry.sequence), entry.time[:19].replace("T", " "), entry.event, entry.user, escape(facts))
    console.print(table)
    if verify:
        head = f"; the last is {entries[-1].sequence}, {entries[-1].entry_hash}" if entries else ""
        console.print(f"[bold]Verified[/]: {len(entries)} entries, chain of hashes intact{head}", soft_wrap=True)
