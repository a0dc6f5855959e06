"""The windows that have been monitored, from ML Metadata: what was measured on each, oldest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.config import Config
from pipeline.metadata.run import Run
from pipeline.metadata.run_ids import MONITORING
from pipeline.metadata.runs import Runs
from pipeline.metadata.store import COLLECTED
from pipeline.monitor.measures import Monitored

NODE, OUTPUT = "WindowMonitor", "measures"


@dataclass(frozen=True)
class Past:
    """A window that was monitored, and the run that did it."""

    run: Run = field(repr=False)
    monitored: Monitored

    @property
    def statistics(self) -> pb.Artifact | None:
        """Of its answered rows; None where there were none, or where they were collected."""
        step = self.run.steps.get("StatisticsGen")
        artifact = step.output("statistics") if step and step.done else None
        return artifact if artifact is not None and artifact.state not in COLLECTED else None


def history(runs: Runs, config: Config) -> list[Past]:
    """All windows of a pipeline, in the order of their ends; of one that was monitored twice, the later run."""
    by_window: dict[tuple[int, int], Past] = {}
    for past in _all(runs, config):  # newest first
        window = past.monitored.window
        by_window.setdefault((window.until, window.since), past)
    return [by_window[key] for key in sorted(by_window)]


def monitored_by(run: Run) -> Monitored | None:
    """What a run measured; None where it did not get that far, or its files are gone."""
    step = run.steps.get(NODE)
    artifact = step.output(OUTPUT) if step and step.done else None
    if artifact is None:
        return None
    try:
        return Monitored.from_dict(json.loads(Path(artifact.uri).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _all(runs: Runs, config: Config) -> Iterator[Past]:
    for run in runs:
        if run.pipeline == f"{config.name}{MONITORING}":
            monitored = monitored_by(run)
            if monitored is not None:
                yield Past(run, monitored)
