"""Open a project by its config: its runs, its releases, and the difference between two runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from flightline.api.lineage import Lineage
from flightline.api.release import ProjectReleases
from flightline.api.run import ProjectRuns
from flightline.api.run_diff import RunDiff
from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.metadata.lineage import Direction
from flightline.metadata.runs import LATEST, PREVIOUS, Runs
from flightline.releases.lineage import trace_lineage
from flightline.reporting.run_diff import diff_runs


def open(config: str | Path, overrides: Sequence[str] = ()) -> Project:  # noqa: A001 - `fl.open`, as in `gzip.open`
    """Open the project of a config.

    A relative path is looked up in the current folder and then in the folders above it, so that a notebook in
    `notebooks/` can open `configs/flights.yaml`. The paths in the config are relative to the project's folder: the
    first of the current folder and those above the config that has the config's schema.

    Args:
        config: the config's file.
        overrides: `a.b=value`, as `--set` takes them.

    Raises:
        ConfigError: the config cannot be read, or is invalid.
    """
    path = _find_config(Path(config))
    return Project(_anchor_paths(load_config(path, overrides), path))


class Project:
    """A project: one config, with the runs and the releases of its pipeline.

    Attributes:
        config: the validated config.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def name(self) -> str:
        """The name of the project's pipeline."""
        return self.config.name

    @cached_property
    def runs(self) -> ProjectRuns:
        """The runs, newest first: `project.runs["latest"]`, `["previous"]` or `[RUN_ID]`.

        Raises:
            InputError: nothing has run yet, or the metadata store cannot be read.
        """
        return ProjectRuns(self.config, Runs.open(self.config))

    @cached_property
    def releases(self) -> ProjectReleases:
        """The releases, newest first: `project.releases.current`, or `[VERSION]`."""
        return ProjectReleases(self.config)

    def diff(self, run: str = LATEST, baseline: str = PREVIOUS) -> RunDiff:
        """What differs from run `baseline` to run `run`: config, code, data, schema, statistics, metrics.

        Raises:
            UsageError: there is no such run.
        """
        pair = self.runs[baseline], self.runs[run]
        return RunDiff.from_record(diff_runs(self.config, *(one.record for one in pair)), pair)

    def lineage(self, reference: str, direction: Direction = "up") -> Lineage:
        """What something was made from (`up`), or what was made from it (`down`).

        Args:
            reference: `release:VERSION`, `release:current`, `run:RUN`, `artifact:ID`, or an artifact's folder.
            direction: `up` or `down`.

        Raises:
            UsageError: there is nothing of that name.
        """
        return Lineage.from_record(trace_lineage(self.runs.store, self.config, reference, direction))

    def __repr__(self) -> str:
        return f"<Project {self.name}, workspace {self.config.workspace}>"


def _find_config(path: Path) -> Path:
    folders = [] if path.is_absolute() else [Path(), *Path.cwd().parents]
    return next((folder / path for folder in folders if (folder / path).exists()), path)


def _anchor_paths(config: Config, path: Path) -> Config:
    """The config with its relative paths made absolute, where they are not relative to the current folder."""
    if config.schema_file.is_file():
        return config
    above = Path(os.path.abspath(path)).parents  # noqa: PTH100 - resolve() would leave the project by a symbolic link
    root = next((folder for folder in above if (folder / config.schema_file).is_file()), None)
    if root is None:
        return config
    is_path = "://" not in config.data.input
    data = config.data.model_copy(update={"input": str(root / config.data.input)}) if is_path else config.data
    moved = {"workspace": root / config.workspace, "schema_file": root / config.schema_file, "data": data}
    return config.model_copy(update=moved)


Project.__module__ = "flightline"  # where users import it from
open.__module__ = "flightline"
