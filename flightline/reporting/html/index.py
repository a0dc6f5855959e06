"""`index.html` of the workspace: its runs and releases, with their metrics and links to the reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flightline.metadata.run_ids import pipelines_by_run_id
from flightline.metadata.runs import Runs
from flightline.releases.release import read_releases
from flightline.reporting.html.charts.runs import RunPoint, timeline_chart
from flightline.reporting.html.collect import read_timings
from flightline.reporting.html.data import MONITORING_JSON, REPORT_HTML, SCORING_JSON
from flightline.reporting.html.render import render_index
from flightline.reporting.html.view_model import Verdict, metric_rows, run_verdict
from flightline.reporting.summary import Summary
from flightline.utils.files import atomic_write

INDEX_HTML = "index.html"
MAX_RUNS_LISTED = 500  # the newest
METRICS_PER_RUN = 3


@dataclass(frozen=True)
class RunEntry:
    """A row of the index; `link` is empty where the run has no report."""

    run_id: str
    pipeline: str
    started: int
    seconds: float | None
    verdict: Verdict
    rows: int | None
    metrics: dict[str, float]
    release: str
    link: str


def write_index(workspace: Path, runs: Runs) -> Path:
    """Writes the index of a workspace; returns its path. Reads a few small files per run; one query per pipeline."""
    started, pipelines = runs.for_workspace().start_times(), pipelines_by_run_id(runs.store)
    folders = {path.name: path for path in (workspace / "runs").glob("*") if path.is_dir()}
    known = sorted({*started, *folders}, key=lambda name: (-started.get(name, 0), name))
    entries = [
        _run_entry(name, folders.get(name, workspace / "runs" / name), started.get(name, 0), pipelines.get(name, ""))
        for name in known[:MAX_RUNS_LISTED]
    ]
    by_pipeline = {
        path.name: read_releases(path) for path in sorted((workspace / "releases").glob("*")) if path.is_dir()
    }
    page = render_index(
        entries=entries,
        dropped=len(known) - len(entries),
        shown=_headline_metrics(entries),
        releases=[(name, release) for name, found in by_pipeline.items() for release in found],
        reports={entry.run_id: entry.link for entry in entries},
        charts=_metric_charts(entries),
    )
    atomic_write(workspace / INDEX_HTML, page)
    return workspace / INDEX_HTML


def _run_entry(run_id: str, folder: Path, started: int, pipeline: str) -> RunEntry:
    summary = Summary.read_if_valid(folder)
    evaluation = summary.evaluation if summary else None
    timings = read_timings(folder)
    seconds = sum(timing.get("wall_s", 0.0) for timing in timings.values())
    return RunEntry(
        run_id,
        summary.pipeline if summary else pipeline,
        started,
        seconds or None,
        _auxiliary_verdict(folder) or run_verdict(summary),
        summary.rows.read if summary and summary.rows else None,
        {row.name: row.value for row in metric_rows(evaluation)} if evaluation else {},
        Path(summary.release).name if summary and summary.release else "",
        f"runs/{quote(run_id)}/{REPORT_HTML}" if (folder / REPORT_HTML).is_file() else "",
    )


def _auxiliary_verdict(folder: Path) -> Verdict | None:
    """The verdict on a finished scoring or monitoring run, which has no summary; None for any other run."""
    titles = {SCORING_JSON: "Scored", MONITORING_JSON: "Monitored"}
    return next((Verdict("good", "✓", title, "") for file, title in titles.items() if (folder / file).is_file()), None)


def _headline_metrics(entries: list[RunEntry]) -> dict[str, list[str]]:
    """Pipeline → the metrics that the lists show: the first few of its newest run that has any. They differ between
    pipelines: a regression has other metrics than a classification."""
    shown: dict[str, list[str]] = {}
    for entry in entries:
        if entry.metrics:
            shown.setdefault(entry.pipeline, list(entry.metrics)[:METRICS_PER_RUN])
    return shown


def _metric_charts(entries: list[RunEntry]) -> list[tuple[str, str, Any]]:
    """(pipeline, metric, chart) for each pipeline with two or more evaluated runs, oldest run first."""
    charts = []
    for pipeline in sorted({entry.pipeline for entry in entries if entry.metrics}):
        runs = [entry for entry in reversed(entries) if entry.pipeline == pipeline and entry.metrics]
        metric = next(iter(runs[-1].metrics))
        points = [RunPoint(e.run_id, e.metrics[metric], bool(e.release), e.link) for e in runs if metric in e.metrics]
        if len(points) > 1:
            charts.append((pipeline, metric, timeline_chart(metric, points[-60:])))
    return charts
