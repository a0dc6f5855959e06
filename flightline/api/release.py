"""A release, and the releases of a project."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flightline.api.html import html_table, plural
from flightline.api.lineage import Lineage
from flightline.api.run import Run
from flightline.config.settings import Config
from flightline.metadata.artifact_files import load_saved_model
from flightline.metadata.runs import Runs
from flightline.releases.lineage import trace_lineage
from flightline.releases.release import CURRENT_RELEASE, find_release, read_releases
from flightline.releases.release import Release as ReleaseRecord


class Release:
    """One version of the model, ready to be served.

    Attributes:
        version: as `flightline releases` lists it.
        path: its SavedModel.
        is_current: whether it is the one to serve.
        withdrawn: the reason of its rollback; None where it was not rolled back.
        metadata: what was recorded when it was released: run, metrics, digests, inputs.
    """

    def __init__(self, record: ReleaseRecord, config: Config) -> None:
        self.version: str = record.version
        self.path: Path = record.path
        self.is_current: bool = record.current
        self.withdrawn: str | None = record.withdrawn
        self.metadata: Mapping[str, Any] = record.metadata
        self._config = config
        self._record = record

    @property
    def is_withdrawn(self) -> bool:
        """Whether the release was rolled back."""
        return self.withdrawn is not None

    @functools.cached_property
    def damage(self) -> list[str]:
        """How its files differ from those that were released; empty if they do not. Reads every file."""
        return self._record.find_damage()

    @property
    def metrics(self) -> Mapping[str, float]:
        """The model's metrics on all evaluation rows."""
        found: Mapping[str, float] = self.metadata.get("metrics", {})
        return found

    @property
    def run_id(self) -> str:
        """The id of the run that made the release."""
        return str(self.metadata.get("run", ""))

    @property
    def run(self) -> Run:
        """The run that made the release.

        Raises:
            UsageError: it is not in the metadata store.
        """
        store = Runs.open(self._config)
        return Run(store.get(self.run_id), self._config, store)

    @property
    def lineage(self) -> Lineage:
        """Rows, schema, code, lock, champion, and every artifact that the release was made from.

        Raises:
            UsageError: the release is not in the metadata store.
        """
        found = trace_lineage(Runs.open(self._config), self._config, f"release:{self.version}")
        return Lineage.from_record(found)

    def model(self) -> Any:
        """Load the released SavedModel. Imports TensorFlow."""
        return load_saved_model(self.path)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: what is known of the release."""
        known = {"version": self.version, "current": self.is_current, "withdrawn": self.withdrawn}
        return {**known, "damage": self.damage, "path": str(self.path), **self.metadata}

    def __repr__(self) -> str:
        state = ", current" if self.is_current else ", withdrawn" if self.is_withdrawn else ""
        return f"<Release {self.version} of run {self.run_id}{state}>"


class ProjectReleases:
    """The releases of a project, newest first: iterate, or take one by its version or as `current`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @property
    def current(self) -> Release:
        """The release to serve.

        Raises:
            UsageError: nothing is released.
        """
        return self[CURRENT_RELEASE]

    def __getitem__(self, version: str) -> Release:
        """A release by its version.

        Raises:
            UsageError: there is none of that version.
        """
        return Release(find_release(self._config, version), self._config)

    def __iter__(self) -> Iterator[Release]:
        return (Release(record, self._config) for record in read_releases(self._config.releases))

    def __len__(self) -> int:
        return len(read_releases(self._config.releases))

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'release')} of {self._config.name}>"

    def _repr_html_(self) -> str:
        rows = [
            (r.version, "current" if r.is_current else "withdrawn" if r.is_withdrawn else "", r.run_id, r.path)
            for r in self
        ]
        return str(html_table(("version", "state", "run", "path"), rows))


Release.__module__ = "flightline"  # where users import it from
