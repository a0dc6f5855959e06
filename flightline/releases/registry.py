"""The registry of releases: publish, promote, roll back, prune.

`releases/NAME/VERSION/` is a SavedModel with a `release.json`, which the Pusher creates atomically (see
`components/atomic_pusher.py`). `CURRENT` contains the version to serve and is replaced atomically. A version that was
rolled back has a `withdrawn.json`, and no later rollback returns to it.
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

from flightline.errors import ArtifactDamaged, UsageError
from flightline.serving.file_records import (
    RELEASE_FILES_KEY,
    UNRECORDED_RELEASE_FILES,
    FileRecords,
    find_damage,
    find_release_damage,
    record_files,
)
from flightline.utils.files import atomic_write

CURRENT_FILE, RELEASE_JSON, WITHDRAWN_FILE = "CURRENT", "release.json", "withdrawn.json"
ROLLOUT_FILES = ("CANARY", "SHADOW")  # each contains a version that the server uses besides the current one
_LOCK_FILE, _RETIRED_PREFIX, _PENDING_CHANGE_FILE = ".lock", ".retired-", ".change"


@dataclass(frozen=True)
class Release:
    """A released version of a model.

    Attributes:
        version: the Pusher's version, seconds since the epoch.
        path: the folder, a SavedModel.
        current: whether it is the version to serve.
        metadata: the content of release.json (run, metrics, digests, inputs, ...).
        withdrawn: why it was rolled back; None if it was not.
    """

    version: str
    path: Path
    current: bool
    metadata: dict[str, Any]
    withdrawn: str | None = None

    def find_damage(self) -> list[str]:
        """How its files differ from the record in release.json; empty if they do not. Reads every file."""
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


def publish_release(pushed: Path, metadata: dict[str, Any]) -> Release:
    """Make a pushed model the current release, with `metadata` and a record of its files as its release.json."""
    files = {name: entry for name, entry in record_files(pushed).items() if name not in UNRECORDED_RELEASE_FILES}
    metadata = {RELEASE_FILES_KEY: files, **metadata}
    with _registry_lock(pushed.parent):
        _apply_change(pushed.parent, {"current": pushed.name, "metadata": metadata})
    return Release(pushed.name, pushed, True, metadata)


def read_releases(folder: Path) -> list[Release]:
    """The releases in `folder`, newest first; a version without release.json was never published."""
    current = current_version(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_released(path):
            metadata = json.loads((path / RELEASE_JSON).read_text(encoding="utf-8"))
            found.append(Release(path.name, path, path.name == current, metadata, _withdrawal_reason(path)))
    return sorted(found, key=lambda item: int(item.version), reverse=True)


def finish_interrupted_change(folder: Path) -> None:
    """Complete a change that a killed process had begun, if there is one."""
    if (folder / _PENDING_CHANGE_FILE).is_file():
        with _registry_lock(folder):  # completes it
            pass


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
    try:
        metadata = json.loads((path / RELEASE_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{RELEASE_JSON} cannot be read: {error}"]
    return find_release_damage(path, metadata if isinstance(metadata, dict) else {})


def is_released(path: Path) -> bool:
    """Whether a version was pushed and published."""
    return path.name.isdigit() and (path / RELEASE_JSON).is_file()


def promote(folder: Path, version: str) -> str | None:
    """Make a release current, even if it was withdrawn; return the previously current version.

    Raises:
        UsageError: the release does not exist.
        ArtifactDamaged: its files are not those that were released.
    """
    with _registry_lock(folder):
        known = {item.version: item for item in read_releases(folder)}
        if version not in known:
            raise UsageError(f"there is no release {version} in {folder}", _list_versions(known))
        known[version].require_intact()
        before = current_version(folder)
        _apply_change(folder, {"current": version})
        return before


def roll_back(folder: Path, version: str | None, reason: str) -> tuple[str, str]:
    """Withdraw the current release and make another one current.

    Args:
        folder: the pipeline's releases.
        version: the version to make current; by default the newest older one that was not withdrawn and is not damaged.
        reason: stored with the withdrawn release.

    Returns:
        The withdrawn version, and the version that is current now.

    Raises:
        UsageError: there is no current release, or none to return to.
        ArtifactDamaged: the files of `version` are not those that were released.
    """
    with _registry_lock(folder):
        known = read_releases(folder)
        current = next((item for item in known if item.current), None)
        if current is None:
            raise UsageError(f"{folder} has no current release to roll back", "list releases: `flightline releases`")
        target = (
            next((item for item in known if item.version == version), None)
            if version
            else _rollback_target(known, current, is_usable=lambda release: not release.find_damage())
        )
        if target is None:
            missing = "no older release that was not withdrawn" if version is None else f"no release {version}"
            raise UsageError(
                f"release {current.version} stays current: there is {missing}",
                _list_versions({item.version for item in known}),
            )
        if target.current:
            raise UsageError(f"release {target.version} is already current", "name another version, or none")
        target.require_intact()
        _apply_change(folder, {"current": target.version, "withdraw": current.version, "reason": reason})
        return current.version, target.version


def prune_releases(folder: Path, keep: int) -> list[str]:
    """Delete all but the `keep` newest releases; return the deleted versions.

    The current release, the one that a rollback would return to, the canary and the shadow are kept as well.
    """
    with _registry_lock(folder):
        for leftover in folder.glob(f"{_RETIRED_PREFIX}*"):  # of a killed process
            shutil.rmtree(leftover)
        known = read_releases(folder)
        current = next((item for item in known if item.current), None)
        older = _rollback_target(known, current) if current else None
        kept = {item.version for item in known[:keep]} | {item.version for item in (current, older) if item}
        kept |= set(_rollout_versions(folder))
        retired = [item for item in known if item.version not in kept]
        for item in retired:
            retired_path = folder / f"{_RETIRED_PREFIX}{item.version}"
            item.path.rename(retired_path)  # atomic, unlike deleting the files
            shutil.rmtree(retired_path)
        return [item.version for item in retired]


def current_version_excluding(folder: Path, is_excluded: Callable[[str], bool]) -> str | None:
    """The current version; if an excluded run released it, the newest version before that was not."""
    known = read_releases(folder)
    current = next((item for item in known if item.current), None)
    while current is not None and is_excluded(str(current.metadata.get("run", ""))):
        current = _rollback_target(known, current)
    return current.version if current else None


def _apply_change(folder: Path, change: dict[str, Any]) -> None:
    """Apply a change. It is recorded first, so that the next process completes it if this one is killed."""
    atomic_write(folder / _PENDING_CHANGE_FILE, json.dumps(change) + "\n")
    _complete_pending_change(folder)


def _complete_pending_change(folder: Path) -> None:
    """Apply the recorded change, if there is one. Can be repeated safely."""
    try:
        change = json.loads((folder / _PENDING_CHANGE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    version = folder / change["current"]
    if "metadata" in change:
        atomic_write(version / RELEASE_JSON, json.dumps(change["metadata"], indent=2, sort_keys=True) + "\n")
    (version / WITHDRAWN_FILE).unlink(missing_ok=True)
    atomic_write(folder / CURRENT_FILE, version.name + "\n")
    if "withdraw" in change:
        atomic_write(folder / change["withdraw"] / WITHDRAWN_FILE, json.dumps({"reason": change["reason"]}) + "\n")
    (folder / _PENDING_CHANGE_FILE).unlink()


def _rollback_target(
    known: list[Release], current: Release, is_usable: Callable[[Release], bool] = lambda _: True
) -> Release | None:
    """The release that a rollback returns to."""
    older = (item for item in known if int(item.version) < int(current.version) and item.withdrawn is None)
    return next(filter(is_usable, older), None)


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
    except ValueError:  # edited by hand; the file still marks it as withdrawn
        return ""


def _list_versions(versions: Any) -> str:
    return f"there are {', '.join(sorted(versions, key=int))}" if versions else "no model has been released yet"


@contextlib.contextmanager
def _registry_lock(folder: Path) -> Iterator[None]:
    """Serialize changes of the registry, and complete a change that was interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _complete_pending_change(folder)
        yield


def current_version(folder: Path) -> str | None:
    """The version to serve; None if nothing is released."""
    try:
        return (folder / CURRENT_FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
