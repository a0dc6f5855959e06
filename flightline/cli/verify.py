"""`flightline verify`: whether artifacts and releases are still what was recorded when they were made."""

from __future__ import annotations

from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, JsonOption, make_console, make_table, print_json
from flightline.config.settings import Config
from flightline.errors import ArtifactDamaged
from flightline.metadata.runs import Runs
from flightline.metadata.store import has_store
from flightline.releases.release import find_release, read_releases
from flightline.releases.verify import VerifiedItem, verify_pipeline, verify_release, verify_run
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Audit and reproduce")


@COMMANDS.add("verify")
def verify(
    config: Config,
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|RELEASE]",
            help="A run's id, `latest`, `previous`, a release's version or `current`; by default everything.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the files of artifacts and releases with what was recorded when they were made.

    Every file is read. The exit code is 1 if one is missing, was changed or was added.
    """
    found = _verify(config, reference)
    damaged = [item for item in found if item.damage]
    if as_json:
        print_json([item.to_dict() for item in found])
    else:
        _show(found, damaged)
    if damaged:
        first, more = damaged[0], f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise ArtifactDamaged(
            f"damaged: {first.description}: {first.damage[0]}{more}",
            "a run makes damaged artifacts again; for a release: `flightline rollback`, or release the model again",
        )


def _verify(config: Config, reference: str | None) -> list[VerifiedItem]:
    runs = Runs.open(config) if has_store(config) else None
    releases = read_releases(config.releases)
    if reference is None:
        return [
            *(verify_pipeline(runs, config) if runs else []),
            *(verify_release(release, runs) for release in releases),
        ]
    name = reference.removeprefix("release:")
    if name != reference or name == "current" or name in {release.version for release in releases}:
        return [verify_release(find_release(config, name), runs)]
    return verify_run((runs or Runs.open(config)).get(reference.removeprefix("run:")))


def _show(found: list[VerifiedItem], damaged: list[VerifiedItem]) -> None:
    console = make_console()
    if damaged:
        table = make_table("kind", "name", "location", "damage")
        for item in damaged:
            table.add_row(item.kind, item.name, escape(item.location), escape("; ".join(item.damage)))
        console.print(table)
    files, size = sum(item.files for item in found), sum(item.size for item in found)
    kinds = (
        f"{sum(item.kind != 'release' for item in found)} artifacts, {sum(i.kind == 'release' for i in found)} releases"
    )
    console.print(f"[bold]Verified[/]: {kinds}, {files:,} files, {size / 1e6:,.1f} MB; damaged: {len(damaged)}")
    if unknown := sum(not item.recorded for item in found):
        console.print(f"{unknown} artifacts have no record of their files: another runner made them")
