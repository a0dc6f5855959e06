"""Canary and shadow releases: files that the server follows, like `CURRENT`."""

from __future__ import annotations

import json
from pathlib import Path

from flightline.errors import UsageError
from flightline.releases.audit_log import Fact
from flightline.releases.pending_change import AuditEvent, make_change
from flightline.releases.registry import CHANGE_FILE, registry_lock
from flightline.releases.release import current_version, read_releases

CANARY_FILE, SHADOW_FILE = "CANARY", "SHADOW"


def set_shadow(folder: Path, version: str | None, workspace: Path | None = None) -> None:
    """Let a release predict for every request, into the log only; None ends the shadow.

    Args:
        workspace: the folder of the audit log that records it; None to record nothing.

    Raises:
        UsageError: there is no such release, or it is the current one.
        ArtifactDamaged: its files are not those that were released.
    """
    if version is None:
        _change(folder, SHADOW_FILE, None, workspace, "shadow ended", {"pipeline": folder.name})
        return
    _check_release(folder, version)
    facts: dict[str, Fact] = {"pipeline": folder.name, "release": version}
    _change(folder, SHADOW_FILE, version + "\n", workspace, "shadow started", facts)


def set_canary(folder: Path, version: str | None, traffic_share: float, workspace: Path | None = None) -> None:
    """Let a release answer a share of the requests; None ends the canary.

    Args:
        workspace: the folder of the audit log that records it; None to record nothing.

    Raises:
        UsageError: there is no such release, it is the current one, or the share is not between 0 and 1.
        ArtifactDamaged: its files are not those that were released.
    """
    if version is None:
        _change(folder, CANARY_FILE, None, workspace, "canary ended", {"pipeline": folder.name})
        return
    _check_release(folder, version)
    if not 0 < traffic_share < 1:
        raise UsageError(f"--traffic-share {traffic_share:g} is not between 0 and 1", "choose a share such as 0.1")
    text = json.dumps({"version": version, "traffic_share": traffic_share}) + "\n"
    facts: dict[str, Fact] = {"pipeline": folder.name, "release": version, "traffic_share": traffic_share}
    _change(folder, CANARY_FILE, text, workspace, "canary started", facts)


def _change(
    folder: Path, name: str, text: str | None, workspace: Path | None, event: str, facts: dict[str, Fact]
) -> None:
    with registry_lock(folder):
        audit = None if workspace is None else AuditEvent(workspace, event, facts)
        make_change(folder / CHANGE_FILE, {folder / name: text}, audit)


def _check_release(folder: Path, version: str) -> None:
    release = next((item for item in read_releases(folder) if item.version == version), None)
    if release is None:
        raise UsageError(f"there is no release {version} in {folder}", "list releases: `flightline releases`")
    release.require_intact()
    if version == current_version(folder):
        raise UsageError(f"release {version} is the current release", "choose another version")
