"""Releases: the folder and the content of each, and which one is current."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.errors import ArtifactDamaged, UsageError
from flightline.serving.file_records import UNRECORDED_RELEASE_FILES, FileRecords, find_damage, find_release_damage

CURRENT_RELEASE = "current"  # as a version: the release to serve
CURRENT_FILE, RELEASE_JSON, WITHDRAWN_FILE = "CURRENT", "release.json", "withdrawn.json"
_METADATA_TYPES = {"run": str, "metrics": dict, "inputs": list, "digests": dict}  # of values in release.json


@dataclass(frozen=True)
class Release:
    """A released version of a model.

    Attributes:
        version: the Pusher's version, seconds since the epoch.
        path: the folder, a SavedModel.
        current: whether it is the version to serve.
        metadata: the content of release.json (run, metrics, digests, inputs, ...).
        withdrawn: why it was rolled back; None if it was not.
        unreadable: why release.json cannot be read, in which case `metadata` is empty; empty if it can.
    """

    version: str
    path: Path
    current: bool
    metadata: dict[str, Any]
    withdrawn: str | None = None
    unreadable: str = ""

    def find_damage(self) -> list[str]:
        """How its files differ from the record in release.json; empty if they do not. Reads every file."""
        if self.unreadable:
            return [f"{RELEASE_JSON} {self.unreadable}"]
        return find_release_damage(self.path, self.metadata)

    def require_intact(self) -> None:
        """Refuse a release whose files are not those that were released.

        Raises:
            ArtifactDamaged: they are not.
        """
        if damage := self.find_damage():
            more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
            raise ArtifactDamaged(
                f"release {self.version} is damaged: {damage[0]}{more}",
                "restore its files, choose another release (`flightline releases`), or release a model again",
            )


def read_releases(folder: Path) -> list[Release]:
    """The releases in `folder`, newest first; a version without release.json was never published.

    One whose release.json cannot be read is listed, with the reason.
    """
    current = current_version(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_released(path):
            metadata, unreadable = _read_metadata(path / RELEASE_JSON)
            found.append(Release(path.name, path, path.name == current, metadata, _withdrawal_reason(path), unreadable))
    return sorted(found, key=lambda item: int(item.version), reverse=True)


def _read_metadata(file: Path) -> tuple[dict[str, Any], str]:
    """The content of a release.json, and why it cannot be read."""
    try:
        metadata = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, f"cannot be read: {error.strerror or error}"
    except (ValueError, RecursionError):
        return {}, "is not JSON in UTF-8"
    if not isinstance(metadata, dict):
        return {}, "is not a JSON object"
    wrong = [name for name, kind in _METADATA_TYPES.items() if not isinstance(metadata.get(name, kind()), kind)]
    return ({}, f"has a wrong value of {', '.join(wrong)}") if wrong else (metadata, "")


def find_pushed_damage(path: Path, pushed: FileRecords | None = None) -> list[str]:
    """How the files of a version differ from what was pushed, and from its release.json; empty if they do not.

    Args:
        path: the version's folder; if it was retired, nothing is compared.
        pushed: the record of the PushedModel in ML Metadata; None where there is none.
    """
    found = find_damage(path, pushed, ignored=UNRECORDED_RELEASE_FILES) if pushed is not None and path.is_dir() else []
    if found:
        return found
    if not is_released(path):
        return []
    metadata, unreadable = _read_metadata(path / RELEASE_JSON)
    return [f"{RELEASE_JSON} {unreadable}"] if unreadable else find_release_damage(path, metadata)


def is_released(path: Path) -> bool:
    """Whether a version was pushed and published."""
    return is_version(path.name) and (path / RELEASE_JSON).is_file()


def is_version(name: str) -> bool:
    """Whether a name is that of a version: digits."""
    return name.isascii() and name.isdigit()


def _withdrawal_reason(path: Path) -> str | None:
    try:
        return str(json.loads((path / WITHDRAWN_FILE).read_text(encoding="utf-8")).get("reason", ""))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):  # edited by hand; the file still marks it as withdrawn
        return ""


def current_version(folder: Path) -> str | None:
    """The version to serve; None if nothing is released."""
    try:
        return (folder / CURRENT_FILE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        fix = "fix its permissions, or remove it and then `flightline promote VERSION`"
        raise UsageError(f"{folder / CURRENT_FILE} cannot be read: {error}", fix) from error


def find_release(config: Config, version: str = CURRENT_RELEASE) -> Release:
    """A release by its version; `current` is the one to serve.

    Raises:
        UsageError: there is none of that version.
        ArtifactDamaged: its files are not those that were released.
    """
    for release in read_releases(config.releases):
        if release.version == version or (version == CURRENT_RELEASE and release.current):
            release.require_intact()
            return release
    name = "current release" if version == CURRENT_RELEASE else f"release {version}"
    raise UsageError(f"there is no {name} of {config.name}", "list releases: `flightline releases`")
