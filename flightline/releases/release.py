"""A release and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.reading import load_saved_model
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.releases.lineage import CURRENT_RELEASE, Lineage, trace_lineage
from flightline.releases.registry import Release, read_releases


@dataclass(frozen=True)
class ReleaseDetails:
    """A release, with the store that knows where it came from.

    Attributes:
        version: as `flightline releases` lists it.
        path: its SavedModel.
        current: whether it is the one to serve.
        about: what was noted when it was released (run, metrics, ...).
    """

    version: str
    path: Path
    current: bool
    about: dict[str, Any]
    _runs: Runs
    _config: Config

    @property
    def run(self) -> Run:
        """The run that made it. Raises UsageError where the store does not know it."""
        return self._runs.get(str(self.about.get("run", "")))

    def lineage(self) -> Lineage:
        """Rows, schema, code, lock, config, champion, and every artifact that it was made of.

        Raises:
            UsageError: the release is not on record in ML Metadata.
        """
        return trace_lineage(self._runs, self._config, f"release:{self.version}")

    def model(self) -> Any:
        """The released SavedModel, loaded; imports TensorFlow."""
        return load_saved_model(self.path)


def find_release(runs: Runs, config: Config, version: str = CURRENT_RELEASE) -> ReleaseDetails:
    """A release by its version; `current` is the one to serve.

    Raises:
        UsageError: there is none of that version.
    """
    for item in read_releases(config.releases):
        if item.version == version or (version == CURRENT_RELEASE and item.current):
            return _to_details(item, runs, config)
    what = "current release" if version == CURRENT_RELEASE else f"release {version}"
    raise UsageError(f"there is no {what} of {config.name}", "`flightline releases` lists releases")


def _to_details(item: Release, runs: Runs, config: Config) -> ReleaseDetails:
    return ReleaseDetails(item.version, item.path, item.current, item.about, runs, config)
