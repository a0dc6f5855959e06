"""Releases on trial beside the current one: files that the server follows as it follows `CURRENT`."""

from __future__ import annotations

import json
from pathlib import Path

from flightline.errors import UsageError
from flightline.releases.registry import RELEASE_JSON, current_version
from flightline.utils.files import atomic_write

CANARY_FILE, SHADOW_FILE = "CANARY", "SHADOW"


def set_shadow(folder: Path, version: str | None) -> None:
    """Lets a release answer aside, into the log; None ends it. Raises UsageError where there is no such release."""
    if version is None:
        (folder / SHADOW_FILE).unlink(missing_ok=True)
        return
    _check_release(folder, version)
    atomic_write(folder / SHADOW_FILE, version + "\n")


def set_canary(folder: Path, version: str | None, share: float) -> None:
    """Lets a release answer a share of the requests; None ends it. Raises UsageError where there is no such release."""
    if version is None:
        (folder / CANARY_FILE).unlink(missing_ok=True)
        return
    _check_release(folder, version)
    if not 0 < share < 1:
        raise UsageError(f"--share {share:g} is no share of the requests", "it lies between 0 and 1")
    atomic_write(folder / CANARY_FILE, json.dumps({"version": version, "share": share}) + "\n")


def _check_release(folder: Path, version: str) -> None:
    if not version.isdigit() or not (folder / version / RELEASE_JSON).is_file():
        raise UsageError(f"there is no release {version} in {folder}", "`flightline releases` lists them")
    if version == current_version(folder):
        raise UsageError(f"release {version} is the current one: it answers already", "name another")
