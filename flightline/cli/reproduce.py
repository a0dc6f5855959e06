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
        reproduction = reproduce(config, run_id, lambda text: status.update(text), set_up, keep)
    if as_json:
        print_json(reproduction.to_dict())
    else:
        show_reproduction(make_console(), reproduction)
    if not reproduction.matches:
        raise StepFailed(_summarize_differences(reproduction), f"the reproduction is kept in {reproduction.folder}")


def show_reproduction(console: Console, reproduction: Reproduction) -> None:
    """Print a line per artifact, and below an artifact that differs, the differences."""
    table = make_table("artifact", "type", "digest", "result")
    for comparison in reproduction.artifacts:
        state = f"[{_STATE_COLOURS[comparison.state]}]{comparison.state}[/]"
        table.add_row(escape(comparison.artifact), comparison.type, comparison.digest[:_SHORT_DIGEST_CHARS], state)
        for difference in comparison.differences:
            table.add_row("", "", "", escape(difference))
    console.print(f"run [bold]{escape(reproduction.run)}[/], reproduced")
    console.print(table)
    if reproduction.matches:
        console.print(f"[bold]MATCH[/]  all {len(reproduction.artifacts)} artifacts")
    if reproduction.folder:
        console.print(f"kept in {escape(str(reproduction.folder))}", soft_wrap=True)


def _summarize_differences(reproduction: Reproduction) -> str:
    different = [comparison.artifact for comparison in reproduction.artifacts if comparison.state == "DIFF"]
    if not different:
        code, reproduced_code = reproduction.exit_code, reproduction.reproduced_exit_code
        codes = f"the run ended with {code}, its reproduction with {reproduced_code}"
        return f"{codes}: {reproduction.last_line}"
    return f"{len(different)} of {len(reproduction.artifacts)} artifacts differ: {', '.join(different)}"
