"""Releases: the versions that the Pusher wrote, and which of them is current."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CURRENT = "CURRENT"
RELEASE_JSON = "release.json"


@dataclass(frozen=True)
class Release:
    """One version of a model, ready to be served.

    Attributes:
        version: the Pusher's version, seconds since the epoch.
        path: a SavedModel.
        current: whether it is the one to serve.
        about: what is known of it (run, metrics, ...).
    """

    version: str
    path: Path
    current: bool
    about: dict[str, Any]


def release(pushed: Path, about: dict[str, Any]) -> Release:
    """Makes a pushed model the current release: describes it, then switches `CURRENT` in one step.

    A reader that follows `CURRENT` sees the version of before or this one, whole.
    """
    write_whole(pushed / RELEASE_JSON, json.dumps(about, indent=2, sort_keys=True) + "\n")
    write_whole(pushed.parent / CURRENT, pushed.name + "\n")
    return Release(pushed.name, pushed, True, about)


def releases(folder: Path) -> list[Release]:
    """The releases below `folder`, newest first; a version without its description was never finished."""
    current = current_version(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.isdigit() and (path / RELEASE_JSON).is_file():
            about = json.loads((path / RELEASE_JSON).read_text())
            found.append(Release(path.name, path, path.name == current, about))
    return sorted(found, key=lambda item: int(item.version), reverse=True)


def current_version(folder: Path) -> str | None:
    try:
        return (folder / CURRENT).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
