"""`flightline reproduce`: whether an earlier run can be repeated, artifact by artifact."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import StepFailed
from flightline.metadata.runs import LATEST
from flightline.runs.reproduce.rerun import Reproduction, reproduce
from flightline.utils.terminal import escape

_SHORT_DIGEST_CHARS = 12
_STATE_COLOURS = {"MATCH": "green", "DIFF": "red"}


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("reproduce")(with_exit_codes(reproduce_run))


def reproduce_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")] = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
    set_up: Annotated[
        bool, typer.Option("--set-up", help="Make an environment (3 GB) where the run had another requirements.lock.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the repetition's files where all matches, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run an earlier run again from what it left on record, and compare every artifact: 0 only if all match."""
    progress = Console(file=sys.stderr, highlight=False)
    with progress.status("") as status:
        found = reproduce(load_config(config), run_id, lambda text: status.update(text), set_up, keep)
    if as_json:
        print_json(found.to_dict())
    else:
        show_reproduction(make_console(), found)
    if not found.matches:
        raise StepFailed(_summarize_differences(found), f"the repetition is kept in {found.folder}")


def show_reproduction(console: Console, found: Reproduction) -> None:
    """A line an artifact, and below those that differ, what differs."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("artifact", "type", "content", ""):
        table.add_column(column)
    for one in found.artifacts:
        state = f"[{_STATE_COLOURS[one.state]}]{one.state}[/]"
        table.add_row(escape(one.artifact), one.type, one.digest[:_SHORT_DIGEST_CHARS], state)
        for difference in one.differences:
            table.add_row("", "", "", escape(difference))
    console.print(f"run [bold]{escape(found.run)}[/], reproduced")
    console.print(table)
    if found.matches:
        console.print(f"[bold]MATCH[/]  all {len(found.artifacts)} artifacts")
    if found.folder:
        console.print(f"kept in {escape(str(found.folder))}", soft_wrap=True)


def _summarize_differences(found: Reproduction) -> str:
    different = [one.artifact for one in found.artifacts if one.state == "DIFF"]
    if not different:
        return (
            f"the run ended with {found.exit_code}, its repetition with {found.reproduced_exit_code}: {found.last_line}"
        )
    return f"{len(different)} of {len(found.artifacts)} artifacts differ: {', '.join(different)}"
