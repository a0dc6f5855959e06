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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightline.errors import ArtifactDamaged, UsageError, mask_credentials
from flightline.releases import audit_log
from flightline.releases.audit_log import Fact
from flightline.releases.pending_change import AuditEvent, complete_change, make_change
from flightline.serving.file_records import (
    RELEASE_FILES_KEY,
    UNRECORDED_RELEASE_FILES,
    FileRecords,
    find_damage,
    find_release_damage,
    record_files,
)

CURRENT_FILE, RELEASE_JSON, WITHDRAWN_FILE = "CURRENT", "release.json", "withdrawn.json"
ROLLOUT_FILES = ("CANARY", "SHADOW")  # each contains a version that the server uses besides the current one
_LOCK_FILE, _RETIRED_PREFIX, CHANGE_FILE = ".lock", ".retired-", ".change"
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


def publish_release(pushed: Path, metadata: dict[str, Any], workspace: Path | None = None) -> Release:
    """Make a pushed model the current release, with `metadata` and a record of its files as its release.json.

    Args:
        workspace: the folder of the audit log that records it; None to record nothing.

    Raises:
        FlightlineError: the audit log is corrupted or cannot be written; nothing was changed.
    """
    folder, facts = pushed.parent, {"run": metadata.get("run"), "release": pushed.name}
    files = {name: entry for name, entry in record_files(pushed).items() if name not in UNRECORDED_RELEASE_FILES}
    metadata = {RELEASE_FILES_KEY: files, **metadata}
    with registry_lock(folder):
        edits = {pushed / RELEASE_JSON: json.dumps(metadata, indent=2, sort_keys=True) + "\n", **_switch_to(pushed)}
        make_change(folder / CHANGE_FILE, edits, _audit(workspace, "pushed", facts))
    return Release(pushed.name, pushed, True, metadata)


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


def finish_interrupted_change(folder: Path) -> None:
    """Complete a change that a killed process had begun, if there is one."""
    if (folder / CHANGE_FILE).is_file():
        with registry_lock(folder):  # completes it
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
    metadata, unreadable = _read_metadata(path / RELEASE_JSON)
    return [f"{RELEASE_JSON} {unreadable}"] if unreadable else find_release_damage(path, metadata)


def is_released(path: Path) -> bool:
    """Whether a version was pushed and published."""
    return is_version(path.name) and (path / RELEASE_JSON).is_file()


def is_version(name: str) -> bool:
    """Whether a name is that of a version: digits."""
    return name.isascii() and name.isdigit()


def promote(folder: Path, version: str, reason: str = "", workspace: Path | None = None) -> str | None:
    """Make a release current, even if it was withdrawn; return the previously current version.

    A release that is current already stays so, and nothing is recorded.

    Args:
        folder: the pipeline's releases.
        reason, workspace: for the audit log in that folder; None to record nothing.

    Raises:
        UsageError: the release does not exist.
        FlightlineError: the audit log is corrupted or cannot be written; nothing was changed.
        ArtifactDamaged: its files are not those that were released.
    """
    with registry_lock(folder):
        known = {item.version: item for item in read_releases(folder)}
        if version not in known:
            raise UsageError(f"there is no release {version} in {folder}", _list_versions(known))
        known[version].require_intact()
        before = current_version(folder)
        if before != version or known[version].withdrawn is not None:
            facts = {"pipeline": folder.name, "release": version, "previous": before, "reason": reason}
            edits = _switch_to(folder / version)
            make_change(folder / CHANGE_FILE, edits, _audit(workspace, "promoted", facts))
        return before


def roll_back(folder: Path, version: str | None, reason: str, workspace: Path | None = None) -> tuple[str, str]:
    """Withdraw the current release and make another one current.

    Args:
        folder: the pipeline's releases.
        version: the version to make current; by default the newest older one that was not withdrawn or damaged.
        reason: stored with the withdrawn release.
        workspace: the folder of the audit log that records it; None to record nothing.

    Returns:
        The withdrawn version, and the version that is current now.

    Raises:
        UsageError: there is no current release, or none to return to.
        FlightlineError: the audit log is corrupted or cannot be written; nothing was changed.
        ArtifactDamaged: the files of `version` are not those that were released.
    """
    with registry_lock(folder):
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
            missing = (
                "no older release that was not withdrawn or damaged" if version is None else f"no release {version}"
            )
            raise UsageError(
                f"release {current.version} stays current: there is {missing}",
                _list_versions({item.version for item in known}),
            )
        target.require_intact()
        if target.current:
            raise UsageError(f"release {target.version} is already current", "name another version, or none")
        facts = {"pipeline": folder.name, "withdrawn": current.version, "release": target.version, "reason": reason}
        edits = {
            **_switch_to(target.path),
            current.path / WITHDRAWN_FILE: json.dumps({"reason": mask_credentials(reason)}) + "\n",
        }
        make_change(folder / CHANGE_FILE, edits, _audit(workspace, "rolled back", facts))
        return current.version, target.version


def prune_releases(folder: Path, keep: int, workspace: Path | None = None) -> list[str]:
    """Delete all but the `keep` newest releases; return the deleted versions.

    The current release, the one that a rollback would return to, the canary and the shadow are kept as well. Older
    folders without release.json, of runs that were killed before they published them, are removed.
    """
    with registry_lock(folder):
        for leftover in folder.glob(f"{_RETIRED_PREFIX}*"):  # of a killed process
            shutil.rmtree(leftover)
        known = read_releases(folder)
        current = next((item for item in known if item.current), None)
        older = _rollback_target(known, current) if current else None
        kept = {item.version for item in known[:keep]} | {item.version for item in (current, older) if item}
        kept |= set(_rollout_versions(folder))
        retired = [item.version for item in known if item.version not in kept]
        for version in _unpublished_versions(folder, known, kept):
            _remove_version(folder, version, "unpublished version removed", workspace)
        for version in retired:
            _remove_version(folder, version, "retired", workspace)
        return retired


def _unpublished_versions(folder: Path, known: list[Release], kept: set[str]) -> list[str]:
    """Versions older than the newest release that were pushed and never published."""
    newest = max((int(item.version) for item in known), default=0)
    published = {item.version for item in known} | kept
    names = [path.name for path in folder.iterdir() if path.is_dir() and is_version(path.name)]
    return [name for name in sorted(names) if int(name) < newest and name not in published]


def _remove_version(folder: Path, version: str, event: str, workspace: Path | None) -> None:
    if workspace is not None:  # first: a kill leaves a version that the next run removes, and no gap in the log
        audit_log.record(workspace, event, pipeline=folder.name, release=version)
    retired_path = folder / f"{_RETIRED_PREFIX}{version}"
    (folder / version).rename(retired_path)  # atomic, unlike deleting the files
    shutil.rmtree(retired_path)


def current_version_excluding(folder: Path, is_excluded: Callable[[str], bool]) -> str | None:
    """The current version; if an excluded run released it, the newest version before that was not."""
    known = read_releases(folder)
    current = next((item for item in known if item.current), None)
    while current is not None and is_excluded(str(current.metadata.get("run", ""))):
        current = _rollback_target(known, current)
    return current.version if current else None


def _switch_to(path: Path) -> dict[Path, str | None]:
    """The edits that make a release current."""
    return {path / WITHDRAWN_FILE: None, path.parent / CURRENT_FILE: path.name + "\n"}


def _audit(workspace: Path | None, event: str, facts: Mapping[str, Fact]) -> AuditEvent | None:
    return None if workspace is None else AuditEvent(workspace, event, facts)


def _rollback_target(
    known: list[Release],
    current: Release,
    is_usable: Callable[[Release], bool] = lambda release: not release.unreadable,
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
    except (OSError, ValueError, AttributeError):  # edited by hand; the file still marks it as withdrawn
        return ""


def _list_versions(versions: Any) -> str:
    return f"there are {', '.join(sorted(versions, key=int))}" if versions else "no model has been released yet"


@contextlib.contextmanager
def registry_lock(folder: Path) -> Iterator[None]:
    """Serialize changes of the registry, and complete a change that was interrupted.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK_FILE).open("w")
    except OSError as error:
        fix = "free disk space, or run this as the user who owns the workspace"
        raise UsageError(f"the releases in {folder} cannot be changed: {error.strerror or error}", fix) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete_change(folder / CHANGE_FILE)
        yield


def current_version(folder: Path) -> str | None:
    """The version to serve; None if nothing is released."""
    try:
        return (folder / CURRENT_FILE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        fix = "fix its permissions, or remove it and then `flightline promote VERSION`"
        raise UsageError(f"{folder / CURRENT_FILE} cannot be read: {error}", fix) from error
