"""`flightline gc`: list and remove what nothing needs any more."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import Annotated

import ml_metadata as mlmd
import typer

from flightline.cli.common import CommandGroup, JsonOption, make_console, make_table, print_json
from flightline.config.settings import Config
from flightline.errors import StepFailed, summarize_error
from flightline.metadata.store import open_store, store_name
from flightline.runs.gc.collect import remove_garbage
from flightline.runs.gc.paths import UnreferencedArtifact
from flightline.runs.gc.plan import Garbage, find_garbage
from flightline.runs.state.lock import pipeline_lock
from flightline.runs.state.resume import clean_up_killed_runs
from flightline.utils.diagnostics import diagnose
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Maintain")
MAX_ARTIFACTS_SHOWN = 12  # of those that cannot be removed; --json has all
KeepOption = Annotated[
    int, typer.Option("--keep", min=1, metavar="N", help="How many of the newest runs keep everything.")
]
WaitOption = Annotated[
    float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for a run to release the workspace.")
]


@COMMANDS.add("gc")
def collect_garbage(
    config: Config,
    keep: KeepOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")] = False,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Remove the artifacts, run folders and reproductions that no release, champion, window or kept run needs."""
    try:
        store = open_store(config)
        if dry_run:
            garbage = find_garbage(config, store, keep)
        else:
            with pipeline_lock(config, "gc", wait, partial(print, file=sys.stderr, flush=True)):
                clean_up_killed_runs(config)
                garbage = find_garbage(config, store, keep)
                remove_garbage(config, store, garbage, keep)
    except mlmd.errors.StatusError as error:  # locked by another program, no room to write, ...
        todo = "fix the cause and run `flightline gc` again: it continues from there"
        raise diagnose(error) or StepFailed(f"{store_name(config)}: {summarize_error(error)}", todo) from error
    show_garbage(garbage, config, dry_run, as_json)


def show_garbage(garbage: Garbage, config: Config, dry_run: bool, as_json: bool) -> None:
    """Print the number and size of what is removed, by type; `--json` has every artifact."""
    if as_json:
        print_json({"dry_run": dry_run, **garbage.to_dict()})
        return
    console = make_console()
    verb = "would be" if dry_run else "was"
    if garbage.is_empty:
        console.print(f"nothing to collect: {garbage.kept:,} artifacts are needed")
    else:
        table = make_table("type", "number", "MB")
        for column in table.columns[1:]:
            column.justify = "right"
        for kind, number in sorted(Counter(artifact.type for artifact in garbage.artifacts).items()):
            table.add_row(kind, f"{number:,}", _format_mb(sum(a.size for a in garbage.artifacts if a.type == kind)))
        for what, folders in (("run folders", list(garbage.runs.values())), ("reproductions", garbage.reproductions)):
            if folders:
                table.add_row(what, f"{len(folders):,}", _format_mb(sum(garbage.sizes[folder] for folder in folders)))
        console.print(table)
        console.print(
            f"[bold]{_format_mb(garbage.size)} MB[/] {verb} collected; {garbage.kept:,} artifacts are needed",
            highlight=False,
        )
    _show_unremovable(garbage.unremovable, config)


def _show_unremovable(left: list[UnreferencedArtifact], config: Config) -> None:
    if not left:
        return
    console = make_console()
    workspace = escape(str(config.workspace))
    console.print(f"[yellow]unremovable[/]: not needed, but outside {workspace} or inside an artifact that is kept")
    for artifact in left[:MAX_ARTIFACTS_SHOWN]:
        console.print(escape(f"  artifact {artifact.id}  {artifact.type}  {artifact.uri}"), soft_wrap=True)
    if len(left) > MAX_ARTIFACTS_SHOWN:
        console.print(f"  and {len(left) - MAX_ARTIFACTS_SHOWN:,} more; --json has all", style="dim")


def _format_mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
