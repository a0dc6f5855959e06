"""Releases: the versions that the Pusher wrote, which of them is current, and going back.

`releases/NAME/VERSION/` is a SavedModel with a `release.json`; it comes into being whole (see
`components/atomic_pusher.py`). `CURRENT` names the version to serve and is switched in one step, so that a reader sees
the one of before or the new one. A version that was rolled back has a `withdrawn.json`: no later rollback goes to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightline.errors import UsageError
from flightline.utils.files import atomic_write

CURRENT_FILE, RELEASE_JSON, WITHDRAWN_FILE = "CURRENT", "release.json", "withdrawn.json"
ROLLOUT_FILES = ("CANARY", "SHADOW")  # of the server: files that begin with, or hold, a version
_LOCK_FILE, _RETIRED_PREFIX, _PENDING_CHANGE_FILE = ".lock", ".retired-", ".change"


@dataclass(frozen=True)
class Release:
    """One version of a model, ready to be served.

    Attributes:
        version: the Pusher's version, seconds since the epoch.
        path: a SavedModel.
        current: whether it is the one to serve.
        about: what is known of it (run, metrics, digests, inputs, ...).
        withdrawn: why it was rolled back; None where it was not.
    """

    version: str
    path: Path
    current: bool
    about: dict[str, Any]
    withdrawn: str | None = None


def publish_release(pushed: Path, about: dict[str, Any]) -> Release:
    """Makes a pushed model the current release, described by `about`."""
    with _registry_lock(pushed.parent):
        _apply_change(pushed.parent, {"current": pushed.name, "about": about})
    return Release(pushed.name, pushed, True, about)


def read_releases(folder: Path) -> list[Release]:
    """The releases below `folder`, newest first; a version without its description was never finished."""
    current = current_version(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_released(path):
            about = json.loads((path / RELEASE_JSON).read_text(encoding="utf-8"))
            found.append(Release(path.name, path, path.name == current, about, _withdrawal_reason(path)))
    return sorted(found, key=lambda item: int(item.version), reverse=True)


def finish_interrupted_change(folder: Path) -> None:
    """Carries through what a process that was killed had begun to change; does nothing where there is nothing."""
    if (folder / _PENDING_CHANGE_FILE).is_file():
        with _registry_lock(folder):
            pass


def is_released(path: Path) -> bool:
    """Whether a version was pushed and described."""
    return path.name.isdigit() and (path / RELEASE_JSON).is_file()


def promote(folder: Path, version: str) -> str | None:
    """Makes a release current, whether it was withdrawn or not; returns the one that was current.

    Raises:
        UsageError: there is no such release.
    """
    with _registry_lock(folder):
        known = {item.version: item for item in read_releases(folder)}
        if version not in known:
            raise UsageError(f"there is no release {version} in {folder}", _list_versions(known))
        before = current_version(folder)
        _apply_change(folder, {"current": version})
        return before


def roll_back(folder: Path, version: str | None, reason: str) -> tuple[str, str]:
    """Withdraws the current release, and makes `version` current; the newest older one that was not withdrawn, where
    none is named. Returns (the one withdrawn, the one that is current now).

    Raises:
        UsageError: there is nothing to go back from, or to.
    """
    with _registry_lock(folder):
        known = read_releases(folder)
        current = next((item for item in known if item.current), None)
        if current is None:
            raise UsageError(
                f"no release in {folder} is current: there is nothing to roll back", "`flightline releases`"
            )
        target = (
            next((item for item in known if item.version == version), None)
            if version
            else _rollback_target(known, current)
        )
        if target is None:
            there = "there is no older release that was not withdrawn" if version is None else f"there is no {version}"
            raise UsageError(
                f"release {current.version} stays current: {there}", _list_versions({r.version for r in known})
            )
        if target.current:
            raise UsageError(f"release {target.version} is current already", "name another, or none")
        _apply_change(folder, {"current": target.version, "withdraw": current.version, "reason": reason})
        return current.version, target.version


def prune_releases(folder: Path, keep: int) -> list[str]:
    """Removes the oldest releases beyond the `keep` newest; returns their versions.

    The current one stays, what a rollback would go to, and what the server has on trial.
    """
    with _registry_lock(folder):
        for left in folder.glob(f"{_RETIRED_PREFIX}*"):  # by a process that was killed
            shutil.rmtree(left)
        known = read_releases(folder)
        current = next((item for item in known if item.current), None)
        older = _rollback_target(known, current) if current else None
        kept = {item.version for item in known[:keep]} | {item.version for item in (current, older) if item}
        kept |= set(_rollout_versions(folder))
        retired = [item for item in known if item.version not in kept]
        for item in retired:
            aside = folder / f"{_RETIRED_PREFIX}{item.version}"
            item.path.rename(aside)  # gone at once for whoever lists releases; its files take longer
            shutil.rmtree(aside)
        return [item.version for item in retired]


def current_version_excluding(folder: Path, runs: Callable[[str], bool]) -> str | None:
    """The version that is current; where one of these runs released it, the one that was before it."""
    known = read_releases(folder)
    current = next((item for item in known if item.current), None)
    while current is not None and runs(str(current.about.get("run", ""))):
        current = _rollback_target(known, current)
    return current.version if current else None


def _apply_change(folder: Path, change: dict[str, Any]) -> None:
    """Changes what is current. The change is written down first: were this process killed in the middle of it,
    whoever comes next carries it through."""
    atomic_write(folder / _PENDING_CHANGE_FILE, json.dumps(change) + "\n")
    _complete_pending_change(folder)


def _complete_pending_change(folder: Path) -> None:
    """Does what was written down, again as often as need be; nothing where nothing was."""
    try:
        change = json.loads((folder / _PENDING_CHANGE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    version = folder / change["current"]
    if "about" in change:
        atomic_write(version / RELEASE_JSON, json.dumps(change["about"], indent=2, sort_keys=True) + "\n")
    (version / WITHDRAWN_FILE).unlink(missing_ok=True)
    atomic_write(folder / CURRENT_FILE, version.name + "\n")
    if "withdraw" in change:
        atomic_write(folder / change["withdraw"] / WITHDRAWN_FILE, json.dumps({"reason": change["reason"]}) + "\n")
    (folder / _PENDING_CHANGE_FILE).unlink()


def _rollback_target(known: list[Release], current: Release) -> Release | None:
    """What a rollback goes to."""
    return next((r for r in known if int(r.version) < int(current.version) and r.withdrawn is None), None)


def _rollout_versions(folder: Path) -> Iterator[str]:
    for name in ROLLOUT_FILES:
        with contextlib.suppress(OSError):
            text = (folder / name).read_text(encoding="utf-8").strip()
            with contextlib.suppress(ValueError, KeyError, TypeError):
                text = str(json.loads(text)["version"])
            yield text


def _withdrawal_reason(path: Path) -> str | None:
    try:
        return str(json.loads((path / WITHDRAWN_FILE).read_text(encoding="utf-8")).get("reason", ""))
    except FileNotFoundError:
        return None
    except ValueError:  # edited by hand: it was withdrawn all the same
        return ""


def _list_versions(versions: Any) -> str:
    return f"there are {', '.join(sorted(versions, key=int))}" if versions else "nothing has been released yet"


@contextlib.contextmanager
def _registry_lock(folder: Path) -> Iterator[None]:
    """Whoever changes releases waits for whoever else does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _complete_pending_change(folder)
        yield


def current_version(folder: Path) -> str | None:
    """The version to serve; None where nothing has been released."""
    try:
        return (folder / CURRENT_FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
