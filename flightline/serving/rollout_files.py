"""The files in the folder of releases that tell the server what to serve: current release, canary, shadow."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from flightline.serving.release import current_version

CANARY_FILE, SHADOW_FILE, ROLLED_BACK_FILE = "CANARY", "SHADOW", "CANARY.rolled-back"


@dataclass(frozen=True)
class DesiredReleases:
    """The versions to serve by role, and the canary's share of the requests."""

    current: str | None
    canary: str | None = None
    traffic_share: float = 0.0
    shadow: str | None = None


def read_desired_releases(releases: Path) -> DesiredReleases:
    """Read the files of the folder; an unreadable file counts as missing."""
    canary, traffic_share = None, 0.0
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads((releases / CANARY_FILE).read_text(encoding="utf-8"))
        canary, traffic_share = str(content["version"]), min(1.0, max(0.0, float(content["traffic_share"])))
    shadow = None
    with contextlib.suppress(OSError):
        shadow = (releases / SHADOW_FILE).read_text(encoding="utf-8").strip() or None
    return DesiredReleases(current_version(releases), canary, traffic_share, shadow)
