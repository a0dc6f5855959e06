"""`flightline releases | rollback | promote`: list releases, and change which one is current."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases import audit_log
from flightline.releases.registry import Release, promote, read_releases, roll_back
from flightline.reporting import mlflow
from flightline.reporting.terminal_summary import relative_path
from flightline.utils.terminal import escape

ReasonOption = Annotated[
    str, typer.Option("--reason", help="The reason, stored with the release and in the audit log.")
]


def register_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("releases", list_releases), ("rollback", roll_back_release), ("promote", promote_release)):
        app.command(name)(with_exit_codes(command))


def list_releases(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the releases, newest first."""
    known = read_releases(load_config(config).releases)
    if as_json:
        print_json([release_to_dict(item) for item in known])
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("version", "", "run", "auc", "path"):
        table.add_column(column)
    for item in known:
        auc = item.metadata.get("metrics", {}).get("auc")
        state = "[green]current[/]" if item.current else "[yellow]withdrawn[/]" if item.withdrawn is not None else ""
        run = str(item.metadata.get("run", ""))
        table.add_row(item.version, state, run, "" if auc is None else f"{auc:.4f}", relative_path(item.path))
    make_console().print(table if known else "no model has been released yet")


def roll_back_release(
    version: Annotated[str | None, typer.Argument(metavar="VERSION", help="The release to serve instead.")] = None,
    reason: ReasonOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Withdraw the current release and serve VERSION, or the newest older release that was not withdrawn.

    New candidates are then compared with the release that is served.
    """
    loaded = load_config(config)
    withdrawn, current = roll_back(loaded.releases, version, reason)
    audit_log.record(
        loaded.workspace, "rolled back", pipeline=loaded.name, withdrawn=withdrawn, release=current, reason=reason
    )
    _print_current(
        loaded,
        current,
        f"release [bold]{escape(withdrawn)}[/] is withdrawn, release [bold]{escape(current)}[/] is current",
        as_json,
    )


def promote_release(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The release to serve.")],
    reason: ReasonOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Make a release current, even one that was withdrawn."""
    loaded = load_config(config)
    before = promote(loaded.releases, version)
    if before == version:
        raise UsageError(f"release {version} is already current", "nothing was changed")
    audit_log.record(
        loaded.workspace, "promoted", pipeline=loaded.name, release=version, previous=before, reason=reason
    )
    was = f" (before: {escape(before)})" if before else ""
    _print_current(loaded, version, f"release [bold]{escape(version)}[/] is current{was}", as_json)


def release_to_dict(item: Release) -> dict[str, Any]:
    """A release for `--json`."""
    known = {"version": item.version, "current": item.current, "withdrawn": item.withdrawn, "path": str(item.path)}
    return {**known, **item.metadata}


def _print_current(config: Config, current: str, sentence: str, as_json: bool) -> None:
    told = mlflow.sync_champion_alias(config, current)
    if as_json:
        print_json([release_to_dict(item) for item in read_releases(config.releases)])
        return
    console = make_console()
    console.print(sentence)
    if told:
        console.print(escape(told))
