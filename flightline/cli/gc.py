"""`flightline gc`: what nothing needs any more is listed and removed. Without TensorFlow."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import Annotated

import ml_metadata as mlmd
import typer
from rich.table import Table

from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.settings import Config
from flightline.errors import StepFailed, summarize_error
from flightline.metadata.store import open_store, store_name
from flightline.runs.gc.collect import remove_garbage
from flightline.runs.gc.paths import UnreferencedArtifact
from flightline.runs.gc.plan import Garbage, find_garbage
from flightline.runs.state.lock import pipeline_lock as alone_at
from flightline.runs.state.resume import clean_up_killed_runs
from flightline.utils.diagnostics import diagnose
from flightline.utils.terminal import escape

MAX_ARTIFACTS_SHOWN = 12  # artifacts shown of those that are left; --json has all
KeepOption = Annotated[int, typer.Option("--keep", min=1, metavar="N", help="Newest runs that keep all they have.")]
WaitOption = Annotated[
    float, typer.Option("--wait", min=0, metavar="SECONDS", help="For a run to leave the workspace.")
]


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("gc")(with_exit_codes(collect_garbage))


def collect_garbage(
    keep: KeepOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List it, and remove nothing.")] = False,
    wait: WaitOption = 0.0,
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
                clean_up_killed_runs(loaded)
                garbage = find_garbage(loaded, store, keep)
                remove_garbage(loaded, store, garbage, keep)
    except mlmd.errors.StatusError as error:  # locked by another program, no room to write, ...
        todo = "mend it; `flightline gc` again goes on from there"
        raise diagnose(error) or StepFailed(f"{store_name(loaded)}: {summarize_error(error)}", todo) from error
    show_garbage(garbage, loaded, dry_run, as_json)


def show_garbage(garbage: Garbage, config: Config, dry_run: bool, as_json: bool) -> None:
    """What was found, by type; `--json` has every artifact."""
    if as_json:
        print_json({"dry_run": dry_run, **garbage.to_dict()})
        return
    console = make_console()
    would = "would be" if dry_run else "is"
    if garbage.is_empty:
        console.print(f"nothing to collect: {garbage.kept:,} artifacts are needed")
    else:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column, justify in (("", "left"), ("number", "right"), ("MB", "right")):
            table.add_column(column, justify=justify)  # type: ignore[arg-type]
        for kind, number in sorted(Counter(artifact.type for artifact in garbage.artifacts).items()):
            table.add_row(kind, f"{number:,}", _format_mb(sum(a.size for a in garbage.artifacts if a.type == kind)))
        for what, folders in (("run folders", list(garbage.runs.values())), ("reproductions", garbage.reproductions)):
            if folders:
                table.add_row(what, f"{len(folders):,}", _format_mb(sum(garbage.sizes[folder] for folder in folders)))
        console.print(table)
        console.print(
            f"[bold]{_format_mb(garbage.size)} MB[/] {would} collected; {garbage.kept:,} artifacts are needed",
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
