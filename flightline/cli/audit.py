"""`flightline audit`: the log of what changed production, and the check that it is complete."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, JsonOption, LimitOption, make_console, make_table, print_json
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases import audit_log
from flightline.releases.audit_anchors import Anchor, append_anchor, read_file_anchors, read_run_anchors, verify_anchors
from flightline.releases.release import read_releases
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("audit")
def show_audit_log(
    config: Config,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check that no entry was edited, removed or inserted, and the releases' files."),
    ] = False,
    anchor: Annotated[
        Path | None,
        typer.Option(
            "--anchor",
            metavar="FILE",
            help="With --verify: compare with the heads in FILE, then add the present one. Keep FILE elsewhere.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="RUN", help="With --verify: leave out the heads that runs before RUN kept."),
    ] = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what changed production and who did it: runs, verdicts, releases, rollbacks, overrides."""
    if (anchor or since) and not verify:
        raise UsageError("--anchor and --since need --verify", "add --verify")
    entries = audit_log.verify(config.workspace) if verify else audit_log.read(config.workspace)
    anchors = _verify_anchors(config, entries, anchor, since) if verify else []
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
        for line in _describe_limits(config, entries, anchors):
            console.print(escape(line), soft_wrap=True)


def _verify_anchors(
    config: Config, entries: list[audit_log.AuditEntry], file: Path | None, since: str | None
) -> list[Anchor]:
    anchors = [*read_run_anchors(config, since), *(read_file_anchors(file) if file else [])]
    verify_anchors(entries, anchors)
    if file is not None and entries:
        append_anchor(file, entries[-1])
    return anchors


def _describe_limits(config: Config, entries: list[audit_log.AuditEntry], anchors: list[Anchor]) -> list[str]:
    """What the verification has compared the log with, and what it cannot show."""
    kept = max((anchor.sequence for anchor in anchors), default=0)
    lines = [
        f"{len(anchors)} heads kept outside the log agree with it" if anchors else "no head was kept outside the log"
    ]
    if kept < len(entries):
        lines.append(
            f"entries {kept + 1} to {len(entries)} are newer than every kept head: an edit of theirs would not show"
        )
    if not audit_log.is_last_entry_confirmed(config.workspace):
        lines.append(
            f"entry {len(entries)} is not in audit.head: its writer was killed, or somebody else added the line"
        )
    return lines
