"""The page of a monitored window: what is raised, the windows before it, performance, what was asked."""

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


def write_report(config: Config, run: Run, past: Sequence[MonitoredWindow], alerts: Mapping[str, Alert]) -> Path:
    """Writes `report.html` and `monitoring.json` into the run's folder; returns the page.

    Args:
        past: the windows, the one that is reported last.
    """
    past = past[-MAX_WINDOWS_SHOWN:]
    monitored, raised = past[-1].monitored, firing_alerts(alerts)
    folder = config.run_folder(run.run_id)
    atomic_write(folder / MONITORING_JSON, json.dumps(monitored.to_dict(), indent=2) + "\n")
    beyond = {one.subject: one.kind for one in monitored.measures if one.breached and one.kind in {"skew", "drift"}}
    page = render_monitoring(
        pipeline=config.name,
        span=_format_window(monitored),
        verdict=_verdict(raised),
        figures=_figures(monitored),
        raised=raised,
        places=[_format_time(one.monitored.window.until) for one in past],
        charts=build_charts(config, [one.monitored for one in past]),
        monitored=monitored,
        metric_names=_metric_names(monitored),
        slices=[(name, values) for name, values in sorted(monitored.slices.items()) if name != "overall"][:400],
        measures=sorted(monitored.measures, key=lambda one: -one.threshold_ratio),
        features=_features(run, beyond),
        beyond=beyond,
    )
    atomic_write(folder / REPORT_HTML, page)
    return folder / REPORT_HTML


def build_charts(config: Config, windows: Sequence[MonitoringResult]) -> list[Chart]:
    """What is drawn over the windows; what was never measured is not."""
    charts = [
        Chart("Answered rows", {"rows": [float(one.window.answered) for one in windows]}),
        *_performance_charts(config, windows),
        *(_distance_chart(kind, windows) for kind in ("skew", "drift")),
        _measure_chart("prediction_drift", "Drift of the predictions", windows),
        _measure_chart("refused", "Share of requests refused", windows),
    ]
    return [chart for chart in charts if any(v is not None for values in chart.series.values() for v in values)]


def _performance_charts(config: Config, windows: Sequence[MonitoringResult]) -> list[Chart]:
    """For each watched metric what was served, whatever the release, and what the shadow would have answered."""
    charts = []
    for metric in config.monitoring.performance:
        key = metric_key(metric)
        series: dict[str, list[float | None]] = {
            "served": [one.slices.get("overall", {}).get(key) for one in windows],
            "shadow": [next((v.get(key) for v in one.metrics.get("shadow", {}).values()), None) for one in windows],
        }
        kept = {name: values for name, values in series.items() if any(value is not None for value in values)}
        charts.append(Chart(f"{metric} on labelled answers", kept))
    return charts


def _distance_chart(kind: str, windows: Sequence[MonitoringResult]) -> Chart:
    """The features that came nearest to their thresholds, as shares of these: they have one threshold then."""
    threshold_ratio = [{one.subject: one.threshold_ratio for one in w.measures if one.kind == kind} for w in windows]
    most: dict[str, float] = {}
    for of_window in threshold_ratio:
        for feature, value in of_window.items():
            most[feature] = max(value, most.get(feature, 0.0))
    chosen = sorted(most, key=lambda feature: -most[feature])[:3]
    title = {"skew": "Skew against the training data", "drift": "Drift from the window before"}[kind]
    series = {feature: [of_window.get(feature) for of_window in threshold_ratio] for feature in chosen}
    return Chart(title, series, 1.0, "The three features that came nearest, as shares of their thresholds.")


def _measure_chart(kind: str, title: str, windows: Sequence[MonitoringResult]) -> Chart:
    measures = [next((one for one in w.measures if one.kind == kind), None) for w in windows]
    threshold = next((one.threshold for one in reversed(measures) if one), None)
    return Chart(title, {kind.replace("_", " "): [one.value if one else None for one in measures]}, threshold)


def _features(run: Run, beyond: Mapping[str, str]) -> list[Feature]:
    """Of the served rows, beside the training data; those beyond a threshold first."""
    statistics: dict[str, Statistics] = {}
    step = run.steps.get("StatisticsGen")
    served = step.output("statistics") if step and step.done else None
    if served is not None:
        statistics |= read_statistics(served.uri)
    resolved = run.steps.get("TrainingStatistics")
    training = resolved.outputs.get("statistics", []) if resolved else []
    if training and statistics:
        statistics["training"] = read_statistics(training[-1].uri)[STATISTICS_SPLIT]  # of a window, its newest span
    role: Callable[[str], str] = lambda name: "feature"  # noqa: E731, ARG005
    both = [feature for feature in summarize_features(statistics, role) if "served" in feature.splits]
    answers = (PROBABILITY, PREDICTION, CLASS)
    known = [feature for feature in both if not feature.name.startswith("_") or feature.name in answers]
    return sorted(known, key=lambda feature: (feature.name not in beyond, feature.name))[:MAX_FEATURES_SHOWN]


def _verdict(raised: Sequence[Alert]) -> Verdict:
    critical = [alert for alert in raised if alert.severity == "critical"]
    if critical:
        return Verdict("bad", "✕", "Critical", critical[0].sentence)
    if raised:
        return Verdict("unsure", "!", "Warning", raised[0].sentence)
    return Verdict("good", "✓", "All is well", "No alert is raised.")


def _figures(monitored: MonitoringResult) -> list[KeyFigure]:
    window = monitored.window
    failed = window.requests.get("refused", 0) + window.requests.get("failed", 0)
    found = [
        KeyFigure(
            "requests",
            format_number(window.asked),
            f"{format_number(failed)} without an answer" if failed else "all answered",
        ),
        KeyFigure("rows", format_number(window.answered), ", ".join(sorted(window.rows))),
        KeyFigure("labels", format_number(sum(window.labelled.get("served", {}).values())), "came back in this window"),
    ]
    if "p99" in window.latency_ms:
        found.append(
            KeyFigure("latency", f"{window.latency_ms['p99']:.1f} ms", f"p99; p50 {window.latency_ms['p50']:.1f} ms")
        )
    return found


def _metric_names(monitored: MonitoringResult) -> list[str]:
    names = {name for versions in monitored.metrics.values() for values in versions.values() for name in values}
    return sorted(names - COUNT_METRICS) + sorted(names & {"example_count"})


def _format_window(monitored: MonitoringResult) -> str:
    return f"{_format_time(monitored.window.since)} to {_format_time(monitored.window.until)}"


def _format_time(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1e6):%Y-%m-%d %H:%M:%S}"
