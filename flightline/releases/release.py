"""A release with access to its run, lineage and model."""

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
    """A release, its run, its lineage and its model.

    Attributes:
        version: as `flightline releases` lists it.
        path: its SavedModel.
        current: whether it is the version to serve.
        metadata: the content of release.json (run, metrics, ...).
    """

    version: str
    path: Path
    current: bool
    metadata: dict[str, Any]
    _runs: Runs
    _config: Config

    @property
    def run(self) -> Run:
        """The run that released it. Raises UsageError if the metadata store does not have it."""
        return self._runs.get(str(self.metadata.get("run", "")))

    def lineage(self) -> Lineage:
        """Everything that it was made from: rows, schema, code, lock, config, champion, artifacts.

        Raises:
            UsageError: the metadata store does not have the release.
        """
        return trace_lineage(self._runs, self._config, f"release:{self.version}")

    def model(self) -> Any:
        """Load the SavedModel; imports TensorFlow."""
        return load_saved_model(self.path)


def find_release(runs: Runs, config: Config, version: str = CURRENT_RELEASE) -> ReleaseDetails:
    """Find a release by its version, by default the current one.

    Raises:
        UsageError: there is no such release.
    """
    for item in read_releases(config.releases):
        if item.version == version or (version == CURRENT_RELEASE and item.current):
            return _to_details(item, runs, config)
    name = "current release" if version == CURRENT_RELEASE else f"release {version}"
    raise UsageError(f"there is no {name} of {config.name}", "list releases: `flightline releases`")


def _to_details(item: Release, runs: Runs, config: Config) -> ReleaseDetails:
    return ReleaseDetails(item.version, item.path, item.current, item.metadata, runs, config)
