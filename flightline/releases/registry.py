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
from pathlib import Path
from typing import Any

from flightline.errors import UsageError, mask_credentials
from flightline.releases import audit_log
from flightline.releases.audit_log import Fact
from flightline.releases.pending_change import AuditEvent, complete_change, make_change
from flightline.releases.release import (
    CURRENT_FILE,
    RELEASE_JSON,
    WITHDRAWN_FILE,
    Release,
    current_version,
    is_version,
    read_releases,
)
from flightline.serving.file_records import (
    RELEASE_FILES_KEY,
    UNRECORDED_RELEASE_FILES,
    record_files,
)

ROLLOUT_FILES = ("CANARY", "SHADOW")  # each contains a version that the server uses besides the current one
_LOCK_FILE, _RETIRED_PREFIX, CHANGE_FILE = ".lock", ".retired-", ".change"


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


def finish_interrupted_change(folder: Path) -> None:
    """Complete a change that a killed process had begun, if there is one."""
    if (folder / CHANGE_FILE).is_file():
        with registry_lock(folder):  # completes it
            pass


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
