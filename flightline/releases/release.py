"""Find a release by its version."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.lineage import CURRENT_RELEASE
from flightline.releases.registry import Release, read_releases


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
