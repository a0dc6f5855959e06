"""The monitored windows of a pipeline, from ML Metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.executors.window_monitor.measures import MonitoringResult
from flightline.metadata.properties import COLLECTED_STATES
from flightline.metadata.run import Run
from flightline.metadata.run_ids import MONITORING_SUFFIX
from flightline.metadata.runs import Runs

NODE_ID, OUTPUT_KEY = "WindowMonitor", "measures"


@dataclass(frozen=True)
class MonitoredWindow:
    """A monitored window, and the run that monitored it."""

    run: Run = field(repr=False)
    result: MonitoringResult

    @property
    def statistics(self) -> pb.Artifact | None:
        """The statistics of its answered rows; None if there were no rows, or the files were garbage-collected."""
        step = self.run.steps.get("StatisticsGen")
        artifact = step.output("statistics") if step and step.done else None
        return artifact if artifact is not None and artifact.state not in COLLECTED_STATES else None


def read_history(runs: Runs, config: Config) -> list[MonitoredWindow]:
    """All windows of a pipeline, ordered by their end; of a window that was monitored twice, the later run."""
    by_window: dict[tuple[int, int], MonitoredWindow] = {}
    for monitored in _iter_monitored_windows(runs, config):  # newest first
        window = monitored.result.window
        by_window.setdefault((window.until, window.since), monitored)
    return [by_window[key] for key in sorted(by_window)]


def read_monitoring_result(run: Run) -> MonitoringResult | None:
    """What a run measured; None if it did not get that far, or its files are gone."""
    step = run.steps.get(NODE_ID)
    artifact = step.output(OUTPUT_KEY) if step and step.done else None
    if artifact is None:
        return None
    try:
        return MonitoringResult.from_dict(json.loads(Path(artifact.uri).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _iter_monitored_windows(runs: Runs, config: Config) -> Iterator[MonitoredWindow]:
    for run in runs:
        if run.pipeline == f"{config.name}{MONITORING_SUFFIX}":
            result = read_monitoring_result(run)
            if result is not None:
                yield MonitoredWindow(run, result)
