"""`flightline reproduce`: run an earlier run again, and compare the artifacts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from flightline.cli.common import CommandGroup, JsonOption, RunArgument, make_console, make_table, print_json
from flightline.config.settings import Config
from flightline.errors import StepFailed
from flightline.metadata.runs import LATEST
from flightline.runs.reproduce.rerun import Reproduction, reproduce
from flightline.utils.terminal import escape

_SHORT_DIGEST_CHARS = 12
_STATE_COLOURS = {"MATCH": "green", "DIFF": "red"}


COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("reproduce")
def reproduce_run(
    config: Config,
    run_id: RunArgument = LATEST,
    set_up: Annotated[
        bool, typer.Option("--set-up", help="Create an environment (3 GB) if the run used another requirements.lock.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the reproduction's files even if all artifacts match.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run an earlier run again from its records, and compare every artifact; exit with 0 only if all match."""
    progress = Console(file=sys.stderr, highlight=False)
    with progress.status("") as status:
        found = reproduce(config, run_id, lambda text: status.update(text), set_up, keep)
    if as_json:
        print_json(found.to_dict())
    else:
        show_reproduction(make_console(), found)
    if not found.matches:
        raise StepFailed(_summarize_differences(found), f"the reproduction is kept in {found.folder}")


def show_reproduction(console: Console, found: Reproduction) -> None:
    """Print a line per artifact, and below an artifact that differs, the differences."""
    table = make_table("artifact", "type", "digest", "result")
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
        codes = f"the run ended with {found.exit_code}, its reproduction with {found.reproduced_exit_code}"
        return f"{codes}: {found.last_line}"
    return f"{len(different)} of {len(found.artifacts)} artifacts differ: {', '.join(different)}"
