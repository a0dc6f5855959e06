"""Releases: the versions that the Pusher wrote, which of them is current, and going back.

`releases/NAME/VERSION/` is a SavedModel with a `release.json`; it comes into being whole (see
`components/atomic_pusher.py`). `CURRENT` names the version to serve and is switched in one step, so that a reader sees
the one of before or the new one. A version that was rolled back has a `withdrawn.json`: no later rollback goes to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

CURRENT, RELEASE_JSON, WITHDRAWN = "CURRENT", "release.json", "withdrawn.json"
ON_TRIAL = ("CANARY", "SHADOW")  # of the server: files that begin with, or hold, a version
_LOCK, _RETIRED, _CHANGE = ".lock", ".retired-", ".change"


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


def release(pushed: Path, about: dict[str, Any]) -> Release:
    """Makes a pushed model the current release, described by `about`."""
    with _alone(pushed.parent):
        _switch(pushed.parent, {"current": pushed.name, "about": about})
    return Release(pushed.name, pushed, True, about)


def releases(folder: Path) -> list[Release]:
    """The releases below `folder`, newest first; a version without its description was never finished."""
    current = current_version(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_released(path):
            about = json.loads((path / RELEASE_JSON).read_text(encoding="utf-8"))
            found.append(Release(path.name, path, path.name == current, about, _why_withdrawn(path)))
    return sorted(found, key=lambda item: int(item.version), reverse=True)


def finish_interrupted(folder: Path) -> None:
    """Carries through what a process that was killed had begun to change; does nothing where there is nothing."""
    if (folder / _CHANGE).is_file():
        with _alone(folder):
            pass


def is_released(path: Path) -> bool:
    """Whether a version was pushed and described."""
    return path.name.isdigit() and (path / RELEASE_JSON).is_file()


def promote(folder: Path, version: str) -> str | None:
    """Makes a release current, whether it was withdrawn or not; returns the one that was current.

    Raises:
        UsageError: there is no such release.
    """
    with _alone(folder):
        known = {item.version: item for item in releases(folder)}
        if version not in known:
            raise UsageError(f"there is no release {version} in {folder}", _they_are(known))
        before = current_version(folder)
        _switch(folder, {"current": version})
        return before


def roll_back(folder: Path, version: str | None, reason: str) -> tuple[str, str]:
    """Withdraws the current release, and makes `version` current; the newest older one that was not withdrawn, where
    none is named. Returns (the one withdrawn, the one that is current now).

    Raises:
        UsageError: there is nothing to go back from, or to.
    """
    with _alone(folder):
        known = releases(folder)
        current = next((item for item in known if item.current), None)
        if current is None:
            raise UsageError(
                f"no release in {folder} is current: there is nothing to roll back", "`flightline releases`"
            )
        target = next((item for item in known if item.version == version), None) if version else _older(known, current)
        if target is None:
            there = "there is no older release that was not withdrawn" if version is None else f"there is no {version}"
            raise UsageError(f"release {current.version} stays current: {there}", _they_are({r.version for r in known}))
        if target.current:
            raise UsageError(f"release {target.version} is current already", "name another, or none")
        _switch(folder, {"current": target.version, "withdraw": current.version, "reason": reason})
        return current.version, target.version


def retire(folder: Path, keep: int) -> list[str]:
    """Removes the oldest releases beyond the `keep` newest; returns their versions.

    The current one stays, what a rollback would go to, and what the server has on trial.
    """
    with _alone(folder):
        for left in folder.glob(f"{_RETIRED}*"):  # by a process that was killed
            shutil.rmtree(left)
        known = releases(folder)
        current = next((item for item in known if item.current), None)
        older = _older(known, current) if current else None
        kept = {item.version for item in known[:keep]} | {item.version for item in (current, older) if item}
        kept |= set(_on_trial(folder))
        retired = [item for item in known if item.version not in kept]
        for item in retired:
            aside = folder / f"{_RETIRED}{item.version}"
            item.path.rename(aside)  # gone at once for whoever lists releases; its files take longer
            shutil.rmtree(aside)
        return [item.version for item in retired]


def served_but_for(folder: Path, runs: Callable[[str], bool]) -> str | None:
    """The version that is current; where one of these runs released it, the one that was before it."""
    known = releases(folder)
    current = next((item for item in known if item.current), None)
    while current is not None and runs(str(current.about.get("run", ""))):
        current = _older(known, current)
    return current.version if current else None


def _switch(folder: Path, change: dict[str, Any]) -> None:
    """Changes what is current. The change is written down first: were this process killed in the middle of it,
    whoever comes next carries it through."""
    write_whole(folder / _CHANGE, json.dumps(change) + "\n")
    _carry_through(folder)


def _carry_through(folder: Path) -> None:
    """Does what was written down, again as often as need be; nothing where nothing was."""
    try:
        change = json.loads((folder / _CHANGE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    version = folder / change["current"]
    if "about" in change:
        write_whole(version / RELEASE_JSON, json.dumps(change["about"], indent=2, sort_keys=True) + "\n")
    (version / WITHDRAWN).unlink(missing_ok=True)
    write_whole(folder / CURRENT, version.name + "\n")
    if "withdraw" in change:
        write_whole(folder / change["withdraw"] / WITHDRAWN, json.dumps({"reason": change["reason"]}) + "\n")
    (folder / _CHANGE).unlink()


def _older(known: list[Release], current: Release) -> Release | None:
    """What a rollback goes to."""
    return next((r for r in known if int(r.version) < int(current.version) and r.withdrawn is None), None)


def _on_trial(folder: Path) -> Iterator[str]:
    for name in ON_TRIAL:
        with contextlib.suppress(OSError):
            text = (folder / name).read_text(encoding="utf-8").strip()
            with contextlib.suppress(ValueError, KeyError, TypeError):
                text = str(json.loads(text)["version"])
            yield text


def _why_withdrawn(path: Path) -> str | None:
    try:
        return str(json.loads((path / WITHDRAWN).read_text(encoding="utf-8")).get("reason", ""))
    except FileNotFoundError:
        return None
    except ValueError:  # edited by hand: it was withdrawn all the same
        return ""


def _they_are(versions: Any) -> str:
    return f"there are {', '.join(sorted(versions, key=int))}" if versions else "nothing has been released yet"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Whoever changes releases waits for whoever else does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _carry_through(folder)
        yield


def current_version(folder: Path) -> str | None:
    """The version to serve; None where nothing has been released."""
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
    with contextlib.suppress(OSError):  # some filesystems cannot: the name comes to disk a little later there
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Has the names in a folder on disk when it returns."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
