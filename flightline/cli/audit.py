"""`flightline audit`: the log of what changed production, and the check that it is complete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, JsonOption, LimitOption, make_console, make_table, print_json
from flightline.config.settings import Config
from flightline.releases import audit_log
from flightline.releases.registry import read_releases
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("audit")
def show_audit_log(
    config: Config,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check that no entry was edited, removed or inserted, and the releases' files."),
    ] = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what changed production and who did it: runs, verdicts, releases, rollbacks, overrides."""
    entries = audit_log.verify(config.workspace) if verify else audit_log.read(config.workspace)
    releases = read_releases(config.releases) if verify else []
    for release in releases:
        release.require_intact()
    listed = entries[-limit:] if limit else entries
    if as_json:
        print_json([asdict(entry) for entry in listed])
        return
    console = make_console()
    table = make_table("sequence", "time (UTC)", "event", "user", "facts")
    for entry in listed:
        facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value not in (None, ""))
        table.add_row(str(entry.sequence), entry.time[:19].replace("T", " "), entry.event, entry.user, escape(facts))
    console.print(table)
    if verify:
        head = f"; the last is {entries[-1].sequence}, {entries[-1].entry_hash}" if entries else ""
        console.print(
            f"[bold]Verified[/]: {len(entries)} entries, chain of hashes intact{head}; "
            f"{len(releases)} releases of {config.name}: files as released",
            soft_wrap=True,
        )
