"""Canary and shadow releases: files that the server follows, like `CURRENT`."""

from __future__ import annotations

import json
from pathlib import Path

from flightline.errors import UsageError
from flightline.releases.registry import RELEASE_JSON, current_version, read_releases
from flightline.utils.files import atomic_write

CANARY_FILE, SHADOW_FILE = "CANARY", "SHADOW"


def set_shadow(folder: Path, version: str | None) -> None:
    """Let a release predict for every request, into the log only; None ends the shadow.

    Raises:
        UsageError: there is no such release, or it is the current one.
        ArtifactDamaged: its files are not those that were released.
    """
    if version is None:
        (folder / SHADOW_FILE).unlink(missing_ok=True)
        return
    _check_release(folder, version)
    atomic_write(folder / SHADOW_FILE, version + "\n")


def set_canary(folder: Path, version: str | None, traffic_share: float) -> None:
    """Let a release answer a share of the requests; None ends the canary.

    Raises:
        UsageError: there is no such release, it is the current one, or the share is not between 0 and 1.
        ArtifactDamaged: its files are not those that were released.
    """
    if version is None:
        (folder / CANARY_FILE).unlink(missing_ok=True)
        return
    _check_release(folder, version)
    if not 0 < traffic_share < 1:
        raise UsageError(f"--traffic-share {traffic_share:g} is not between 0 and 1", "choose a share such as 0.1")
    atomic_write(folder / CANARY_FILE, json.dumps({"version": version, "traffic_share": traffic_share}) + "\n")


def _check_release(folder: Path, version: str) -> None:
    if not version.isdigit() or not (folder / version / RELEASE_JSON).is_file():
        raise UsageError(f"there is no release {version} in {folder}", "list releases: `flightline releases`")
    if version == current_version(folder):
        raise UsageError(f"release {version} is the current release", "choose another version")
    next(release for release in read_releases(folder) if release.version == version).require_intact()
