"""`flightline releases | promote | rollback`: the releases, and which of them is served."""

from __future__ import annotations

from typing import Annotated

import typer

from flightline.api.project import Project
from flightline.cli.common import CommandGroup, JsonOption, LimitOption, make_console, make_table, print_json
from flightline.errors import UsageError
from flightline.releases.registry import promote, roll_back
from flightline.reporting import mlflow
from flightline.reporting.terminal_summary import relative_path
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Manage releases")
ReasonOption = Annotated[
    str, typer.Option("--reason", help="The reason; it is kept with the release and in the audit log.")
]


@COMMANDS.add("releases")
def list_releases(project: Project, limit: LimitOption = None, as_json: JsonOption = False) -> None:
    """List the releases, newest first, and which one is current."""
    listed = list(project.releases)[:limit]
    if as_json:
        print_json([release.to_dict() for release in listed])
        return
    if not listed:
        typer.echo("no model has been released yet")
        return
    table = make_table("version", "state", "run", "auc", "path")
    for release in listed:
        state = "[green]current[/]" if release.is_current else "[yellow]withdrawn[/]" if release.is_withdrawn else ""
        if release.damage:
            state = f"{state} [red]damaged[/]".strip()
        auc = release.metrics.get("auc")
        auc_text = "" if auc is None else f"{auc:.4f}"
        table.add_row(release.version, state, escape(release.run_id), auc_text, relative_path(release.path))
    console = make_console()
    console.print(table)
    for release in listed:
        if release.damage:
            console.print(f"[red]release {release.version} is damaged[/]: {escape('; '.join(release.damage))}")


@COMMANDS.add("promote")
def promote_release(
    project: Project,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The release to serve.")],
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a release current, even one that was withdrawn."""
    config = project.config
    before = promote(config.releases, version, reason, config.workspace)
    if before == version:
        raise UsageError(f"release {version} is already current", "nothing was changed")
    previous = f" (before: {escape(before)})" if before else ""
    _show_change(project, version, f"release [bold]{escape(version)}[/] is current{previous}", as_json)


@COMMANDS.add("rollback")
def roll_back_release(
    project: Project,
    version: Annotated[
        str | None,
        typer.Argument(metavar="VERSION", help="The release to serve; the newest older one by default."),
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Withdraw the current release, and serve VERSION or the newest older release that was not withdrawn.

    The next candidates are compared with the release that is served then.
    """
    config = project.config
    withdrawn, current = roll_back(config.releases, version, reason, config.workspace)
    sentence = f"release [bold]{escape(withdrawn)}[/] is withdrawn, release [bold]{escape(current)}[/] is current"
    _show_change(project, current, sentence, as_json)


def _show_change(project: Project, current: str, sentence: str, as_json: bool) -> None:
    """Tell MLflow which release is current, and print the change."""
    note = mlflow.sync_champion_alias(project.config, current)
    if as_json:
        print_json([release.to_dict() for release in project.releases])
        return
    console = make_console()
    console.print(sentence)
    if note:
        console.print(escape(note))
