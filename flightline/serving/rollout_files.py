"""What the folder of releases asks a server for: `CURRENT`, and the releases on trial beside it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from flightline.serving.release import current_version

CANARY_FILE, SHADOW_FILE, ROLLED_BACK_FILE = "CANARY", "SHADOW", "CANARY.taken-back"


@dataclass(frozen=True)
class DesiredReleases:
    """What the folder asks for: versions by role, and the canary's share of the requests."""

    current: str | None
    canary: str | None = None
    share: float = 0.0
    shadow: str | None = None


def read_desired_releases(releases: Path) -> DesiredReleases:
    """What the files of the folder say now; a file that says nothing sensible asks for nothing."""
    canary, share = None, 0.0
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        asked = json.loads((releases / CANARY_FILE).read_text(encoding="utf-8"))
        canary, share = str(asked["version"]), min(1.0, max(0.0, float(asked["share"])))
    shadow = None
    with contextlib.suppress(OSError):
        shadow = (releases / SHADOW_FILE).read_text(encoding="utf-8").strip() or None
    return DesiredReleases(current_version(releases), canary, share, shadow)
