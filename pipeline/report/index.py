"""`index.html` of the workspace: runs and releases over time, with their key figures and links to the reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.metadata.run_ids import pipeline_of_each
from pipeline.metadata.runs import Runs
from pipeline.releases import releases, write_whole
from pipeline.report.charts.timeline import Point, timeline
from pipeline.report.collect import read_summary, read_timings
from pipeline.report.data import MONITORED, REPORT_HTML, SCORED
from pipeline.report.render import render_index
from pipeline.report.view import Verdict, metric_rows, verdict_of

INDEX = "index.html"
LISTED = 500  # runs, the newest; a page of thousands serves nobody
SHOWN = 3  # metrics of a run


@dataclass(frozen=True)
class RunEntry:
    """A line of the index; `link` is empty where the run has no report."""

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
    """Writes the index of a workspace; returns its path. Reads a few small files a run, with a query a pipeline."""
    started, pipelines = runs.of_workspace().started(), pipeline_of_each(runs.store)
    folders = {path.name: path for path in (workspace / "runs").glob("*") if path.is_dir()}
    known = sorted({*started, *folders}, key=lambda name: (-started.get(name, 0), name))
    entries = [
        _entry(name, folders.get(name, workspace / "runs" / name), started.get(name, 0), pipelines.get(name, ""))
        for name in known[:LISTED]
    ]
    by_pipeline = {path.name: releases(path) for path in sorted((workspace / "releases").glob("*")) if path.is_dir()}
    page = render_index(
        entries=entries,
        dropped=len(known) - len(entries),
        shown=_shown(entries),
        releases=[(name, release) for name, found in by_pipeline.items() for release in found],
        reports={entry.run_id: entry.link for entry in entries},
        charts=_charts(entries),
    )
    write_whole(workspace / INDEX, page)
    return workspace / INDEX


def _entry(run_id: str, folder: Path, started: int, pipeline: str) -> RunEntry:
    summary = read_summary(folder)
    evaluation = summary.evaluation if summary else None
    timings = read_timings(folder)
    seconds = sum(timing.get("wall_s", 0.0) for timing in timings.values())
    return RunEntry(
        run_id,
        summary.pipeline if summary else pipeline,
        started,
        seconds or None,
        _beside_training(folder) or verdict_of(summary),
        summary.rows.read if summary and summary.rows else None,
        {row.name: row.value for row in metric_rows(evaluation)} if evaluation else {},
        Path(summary.release).name if summary and summary.release else "",
        f"runs/{quote(run_id)}/{REPORT_HTML}" if (folder / REPORT_HTML).is_file() else "",
    )


def _beside_training(folder: Path) -> Verdict | None:
    """Of a run that scored or monitored, which leaves no summary; None where it did neither, or has not ended."""
    done = {SCORED: "Scored", MONITORED: "Monitored"}
    return next((Verdict("good", "✓", title, "") for file, title in done.items() if (folder / file).is_file()), None)


def _shown(entries: list[RunEntry]) -> dict[str, list[str]]:
    """Pipeline → the metrics that stand in the lists: the first few of its newest run that has any. Not columns for
    all, since an amount's are not those of two values."""
    shown: dict[str, list[str]] = {}
    for entry in entries:
        if entry.metrics:
            shown.setdefault(entry.pipeline, list(entry.metrics)[:SHOWN])
    return shown


def _charts(entries: list[RunEntry]) -> list[tuple[str, str, Any]]:
    """(pipeline, metric, chart) for each pipeline that was measured twice or more, oldest run first."""
    charts = []
    for pipeline in sorted({entry.pipeline for entry in entries if entry.metrics}):
        runs = [entry for entry in reversed(entries) if entry.pipeline == pipeline and entry.metrics]
        metric = next(iter(runs[-1].metrics))
        points = [Point(e.run_id, e.metrics[metric], bool(e.release), e.link) for e in runs if metric in e.metrics]
        if len(points) > 1:
            charts.append((pipeline, metric, timeline(metric, points[-60:])))
    return charts
