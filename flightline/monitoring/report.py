"""The HTML report of a monitored window: alerts, history, performance, served features."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flightline.config.settings import Config
from flightline.executors.window_monitor.columns import CLASS, PREDICTION, PROBABILITY, STATISTICS_SPLIT
from flightline.executors.window_monitor.measures import MonitoringResult
from flightline.metadata.evaluation import metric_key
from flightline.metadata.run import Run
from flightline.monitoring.alerts import Alert, firing_alerts
from flightline.monitoring.history import MonitoredWindow
from flightline.reporting.html.data import MONITORING_JSON, REPORT_HTML, Feature
from flightline.reporting.html.render import render_monitoring
from flightline.reporting.html.statistics import Statistics, read_statistics, summarize_features
from flightline.reporting.html.svg import format_number
from flightline.reporting.html.view_model import KeyFigure, Verdict
from flightline.utils.files import atomic_write

MAX_WINDOWS_SHOWN = 60
MAX_FEATURES_SHOWN = 60
COUNT_METRICS = {"example_count", "weighted_example_count"}


@dataclass(frozen=True)
class Chart:
    title: str
    series: dict[str, list[float | None]]
    threshold: float | None = None
    note: str = ""


def write_report(config: Config, run: Run, history: Sequence[MonitoredWindow], alerts: Mapping[str, Alert]) -> Path:
    """Write `report.html` and `monitoring.json` into the run's folder; return the HTML file.

    Args:
        config: the pipeline.
        run: the monitoring run.
        history: the windows so far; the last one is the one to report.
        alerts: the alerts after that window.
    """
    history = history[-MAX_WINDOWS_SHOWN:]
    result, firing = history[-1].result, firing_alerts(alerts)
    folder = config.run_folder(run.run_id)
    atomic_write(folder / MONITORING_JSON, json.dumps(result.to_dict(), indent=2) + "\n")
    breached = {m.subject: m.kind for m in result.measures if m.breached and m.kind in {"skew", "drift"}}
    page = render_monitoring(
        pipeline=config.name,
        span=_format_window(result),
        verdict=_verdict(firing),
        figures=_figures(result),
        firing=firing,
        places=[_format_time(entry.result.window.until) for entry in history],
        charts=build_charts(config, [entry.result for entry in history]),
        result=result,
        metric_names=_metric_names(result),
        slices=[(name, values) for name, values in sorted(result.slices.items()) if name != "overall"][:400],
        measures=sorted(result.measures, key=lambda measure: -measure.threshold_ratio),
        features=_features(run, breached),
        breached=breached,
    )
    atomic_write(folder / REPORT_HTML, page)
    return folder / REPORT_HTML


def build_charts(config: Config, windows: Sequence[MonitoringResult]) -> list[Chart]:
    """The charts over the windows, without those that were never measured."""
    charts = [
        Chart("Answered rows", {"rows": [float(result.window.answered_rows) for result in windows]}),
        *_performance_charts(config, windows),
        *(_distance_chart(kind, windows) for kind in ("skew", "drift")),
        _measure_chart("prediction_drift", "Drift of the predictions", windows),
        _measure_chart("invalid_requests", "Share of invalid requests", windows),
    ]
    return [chart for chart in charts if any(v is not None for values in chart.series.values() for v in values)]


def _performance_charts(config: Config, windows: Sequence[MonitoringResult]) -> list[Chart]:
    """For each configured metric: that of the served predictions, of whichever release, and that of the shadow."""
    charts = []
    for metric in config.monitoring.performance:
        key = metric_key(metric)
        series: dict[str, list[float | None]] = {
            "served": [w.slices.get("overall", {}).get(key) for w in windows],
            "shadow": [next((v.get(key) for v in w.metrics.get("shadow", {}).values()), None) for w in windows],
        }
        present = {name: values for name, values in series.items() if any(value is not None for value in values)}
        charts.append(Chart(f"{metric} on labelled rows", present))
    return charts


def _distance_chart(kind: str, windows: Sequence[MonitoringResult]) -> Chart:
    """The features closest to their thresholds, as ratios of these, so that all share the threshold 1."""
    ratios = [{m.subject: m.threshold_ratio for m in w.measures if m.kind == kind} for w in windows]
    highest: dict[str, float] = {}
    for by_feature in ratios:
        for feature, value in by_feature.items():
            highest[feature] = max(value, highest.get(feature, 0.0))
    chosen = sorted(highest, key=lambda feature: -highest[feature])[:3]
    title = {"skew": "Skew from the training data", "drift": "Drift from the previous window"}[kind]
    series = {feature: [by_feature.get(feature) for by_feature in ratios] for feature in chosen}
    return Chart(title, series, 1.0, "The three features closest to their thresholds, as ratios of these.")


def _measure_chart(kind: str, title: str, windows: Sequence[MonitoringResult]) -> Chart:
    measures = [next((m for m in w.measures if m.kind == kind), None) for w in windows]
    threshold = next((m.threshold for m in reversed(measures) if m), None)
    return Chart(title, {kind.replace("_", " "): [m.value if m else None for m in measures]}, threshold)


def _features(run: Run, breached: Mapping[str, str]) -> list[Feature]:
    """The features of the served rows and of the training data; those beyond a threshold first."""
    statistics: dict[str, Statistics] = {}
    step = run.steps.get("StatisticsGen")
    served = step.output("statistics") if step and step.done else None
    if served is not None:
        statistics |= read_statistics(served.uri)
    resolved = run.steps.get("TrainingStatistics")
    training = resolved.outputs.get("statistics", []) if resolved else []
    if training and statistics:
        statistics["training"] = read_statistics(training[-1].uri)[STATISTICS_SPLIT]  # the newest of the training spans
    role: Callable[[str], str] = lambda name: "feature"  # noqa: E731, ARG005
    both = [feature for feature in summarize_features(statistics, role) if "served" in feature.splits]
    predictions = (PROBABILITY, PREDICTION, CLASS)
    known = [feature for feature in both if not feature.name.startswith("_") or feature.name in predictions]
    return sorted(known, key=lambda feature: (feature.name not in breached, feature.name))[:MAX_FEATURES_SHOWN]


def _verdict(firing: Sequence[Alert]) -> Verdict:
    critical = [alert for alert in firing if alert.severity == "critical"]
    if critical:
        return Verdict("bad", "✕", "Critical", critical[0].message)
    if firing:
        return Verdict("unsure", "!", "Warning", firing[0].message)
    return Verdict("good", "✓", "Healthy", "No alert is firing.")


def _figures(result: MonitoringResult) -> list[KeyFigure]:
    window = result.window
    unanswered = window.requests.get("invalid", 0) + window.requests.get("failed", 0)
    figures = [
        KeyFigure(
            "requests",
            format_number(window.request_count),
            f"{format_number(unanswered)} without a prediction" if unanswered else "all answered",
        ),
        KeyFigure("rows", format_number(window.answered_rows), ", ".join(sorted(window.rows))),
        KeyFigure("labels", format_number(sum(window.labelled.get("served", {}).values())), "arrived in this window"),
    ]
    if "p99" in window.latency_ms:
        figures.append(
            KeyFigure("latency", f"{window.latency_ms['p99']:.1f} ms", f"p99; p50 {window.latency_ms['p50']:.1f} ms")
        )
    return figures


def _metric_names(result: MonitoringResult) -> list[str]:
    names = {name for versions in result.metrics.values() for values in versions.values() for name in values}
    return sorted(names - COUNT_METRICS) + sorted(names & {"example_count"})


def _format_window(result: MonitoringResult) -> str:
    return f"{_format_time(result.window.since)} to {_format_time(result.window.until)}"


def _format_time(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1e6):%Y-%m-%d %H:%M:%S}"
