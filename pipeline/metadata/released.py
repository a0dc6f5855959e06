"""A release and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.ancestry import CURRENT, Ancestry, ancestry
from pipeline.metadata.reading import saved_model
from pipeline.metadata.run import Run
from pipeline.metadata.runs import Runs
from pipeline.releases import Release, releases


@dataclass(frozen=True)
class Released:
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

    def lineage(self) -> Ancestry:
        """Rows, schema, code, lock, config, champion, and every artifact that it was made of.

        Raises:
            UsageError: the release is not on record in ML Metadata.
        """
        return ancestry(self._runs, self._config, f"release:{self.version}")

    def model(self) -> Any:
        """The released SavedModel, loaded; imports TensorFlow."""
        return saved_model(self.path)


def released(runs: Runs, config: Config, version: str = CURRENT) -> Released:
    """A release by its version; `current` is the one to serve.

    Raises:
        UsageError: there is none of that version.
    """
    for item in releases(config.releases):
        if item.version == version or (version == CURRENT and item.current):
            return _with_store(item, runs, config)
    what = "current release" if version == CURRENT else f"release {version}"
    raise UsageError(f"there is no {what} of {config.name}", "`flightline releases` lists releases")


def _with_store(item: Release, runs: Runs, config: Config) -> Released:
    return Released(item.version, item.path, item.current, item.about, runs, config)
