"""`flightline gc`: what nothing needs any more is listed and removed. Without TensorFlow."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import Annotated

import ml_metadata as mlmd
import typer
from rich.table import Table

from pipeline.cli_common import ConfigOption, JsonOption, a_console, print_json, with_exit_codes
from pipeline.config import Config
from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.errors import StepFailed, in_one_line
from pipeline.garbage import Garbage, find_garbage
from pipeline.garbage_collection import collect
from pipeline.garbage_places import Unreached
from pipeline.machine import known
from pipeline.metadata.store import open_store, store_name
from pipeline.pipeline_lock import alone_at
from pipeline.recovery import clear_up
from pipeline.shown import escape

MOST = 12  # artifacts shown of those that are left; --json has all
Keep = Annotated[int, typer.Option("--keep", min=1, metavar="N", help="Newest runs that keep all they have.")]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="For a run to leave the workspace.")]


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("gc")(with_exit_codes(collect_garbage))


def collect_garbage(
    keep: Keep,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List it, and remove nothing.")] = False,
    wait: Wait = 0.0,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Remove what no release, champion, window or kept run was made of: artifacts, run folders, repetitions."""
    loaded = load_config(config)
    try:
        store = open_store(loaded)
        if dry_run:
            garbage = find_garbage(loaded, store, keep)
        else:
            with alone_at(loaded, "gc", wait, partial(print, file=sys.stderr, flush=True)):
                clear_up(loaded)
                garbage = find_garbage(loaded, store, keep)
                collect(loaded, store, garbage, keep)
    except mlmd.errors.StatusError as error:  # locked by another program, no room to write, ...
        todo = "mend it; `flightline gc` again goes on from there"
        raise known(error) or StepFailed(f"{store_name(loaded)}: {in_one_line(error)}", todo) from error
    show(garbage, loaded, dry_run, as_json)


def show(garbage: Garbage, config: Config, dry_run: bool, as_json: bool) -> None:
    """What was found, by type; `--json` has every artifact."""
    if as_json:
        print_json({"dry_run": dry_run, **garbage.to_dict()})
        return
    console = a_console()
    would = "would be" if dry_run else "is"
    if garbage.nothing:
        console.print(f"nothing to collect: {garbage.kept:,} artifacts are needed")
    else:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column, justify in (("", "left"), ("number", "right"), ("MB", "right")):
            table.add_column(column, justify=justify)  # type: ignore[arg-type]
        for kind, number in sorted(Counter(artifact.type for artifact in garbage.artifacts).items()):
            table.add_row(kind, f"{number:,}", _mb(sum(a.size for a in garbage.artifacts if a.type == kind)))
        for what, folders in (("run folders", list(garbage.runs.values())), ("repetitions", garbage.repetitions)):
            if folders:
                table.add_row(what, f"{len(folders):,}", _mb(sum(garbage.sizes[folder] for folder in folders)))
        console.print(table)
        console.print(
            f"[bold]{_mb(garbage.size)} MB[/] {would} collected; {garbage.kept:,} artifacts are needed", highlight=False
        )
    _show_left(garbage.left, config)


def _show_left(left: list[Unreached], config: Config) -> None:
    if not left:
        return
    console = a_console()
    console.print(f"[yellow]left[/]: not below {escape(str(config.workspace))} or a part of what stays, and not needed")
    for artifact in left[:MOST]:
        console.print(escape(f"  artifact {artifact.id}  {artifact.type}  {artifact.uri}"), soft_wrap=True)
    if len(left) > MOST:
        console.print(f"  and {len(left) - MOST:,} more; --json has all", style="dim")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
