"""The page of a monitored window: what is raised, the windows before it, performance, what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.config import Config
from pipeline.metadata.run import Run
from pipeline.monitor.alerts import Alert, firing
from pipeline.monitor.history import Past
from pipeline.monitor.measures import Monitored
from pipeline.monitor.trained_on import STATISTICS_SPLIT
from pipeline.monitor.window import AMOUNT, CLASS, PROBABILITY
from pipeline.releases import write_whole
from pipeline.report.data import MONITORED, REPORT_HTML, Feature
from pipeline.report.render import render_monitoring
from pipeline.report.statistics import Statistics, features_of, read_statistics
from pipeline.report.svg import number
from pipeline.report.view import Figure, Verdict
from pipeline.verdict import metric_key

WINDOWS_SHOWN = 60
FEATURES_SHOWN = 60
COUNTS = {"example_count", "weighted_example_count"}


@dataclass(frozen=True)
class Chart:
    title: str
    series: dict[str, list[float | None]]
    threshold: float | None = None
    note: str = ""


def write_report(config: Config, run: Run, past: Sequence[Past], alerts: Mapping[str, Alert]) -> Path:
    """Writes `report.html` and `monitoring.json` into the run's folder; returns the page.

    Args:
        past: the windows, the one that is reported last.
    """
    past = past[-WINDOWS_SHOWN:]
    monitored, raised = past[-1].monitored, firing(alerts)
    folder = config.run_folder(run.run_id)
    write_whole(folder / MONITORED, json.dumps(monitored.to_dict(), indent=2) + "\n")
    beyond = {one.subject: one.kind for one in monitored.measures if one.breached and one.kind in {"skew", "drift"}}
    page = render_monitoring(
        pipeline=config.name,
        span=_span(monitored),
        verdict=_verdict(raised),
        figures=_figures(monitored),
        raised=raised,
        places=[_moment(one.monitored.window.until) for one in past],
        charts=charts_of(config, [one.monitored for one in past]),
        monitored=monitored,
        metric_names=_metric_names(monitored),
        slices=[(name, values) for name, values in sorted(monitored.slices.items()) if name != "overall"][:400],
        measures=sorted(monitored.measures, key=lambda one: -one.nearness),
        features=_features(run, beyond),
        beyond=beyond,
    )
    write_whole(folder / REPORT_HTML, page)
    return folder / REPORT_HTML


def charts_of(config: Config, windows: Sequence[Monitored]) -> list[Chart]:
    """What is drawn over the windows; what was never measured is not."""
    charts = [
        Chart("Answered rows", {"rows": [float(one.window.answered) for one in windows]}),
        *_performance(config, windows),
        *(_distance(kind, windows) for kind in ("skew", "drift")),
        _single("prediction_drift", "Drift of the predictions", windows),
        _single("refused", "Share of requests refused", windows),
    ]
    return [chart for chart in charts if any(v is not None for values in chart.series.values() for v in values)]


def _performance(config: Config, windows: Sequence[Monitored]) -> list[Chart]:
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


def _distance(kind: str, windows: Sequence[Monitored]) -> Chart:
    """The features that came nearest to their thresholds, as shares of these: they have one threshold then."""
    nearness = [{one.subject: one.nearness for one in w.measures if one.kind == kind} for w in windows]
    most: dict[str, float] = {}
    for of_window in nearness:
        for feature, value in of_window.items():
            most[feature] = max(value, most.get(feature, 0.0))
    chosen = sorted(most, key=lambda feature: -most[feature])[:3]
    title = {"skew": "Skew against the training data", "drift": "Drift from the window before"}[kind]
    series = {feature: [of_window.get(feature) for of_window in nearness] for feature in chosen}
    return Chart(title, series, 1.0, "The three features that came nearest, as shares of their thresholds.")


def _single(kind: str, title: str, windows: Sequence[Monitored]) -> Chart:
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
    both = [feature for feature in features_of(statistics, role) if "served" in feature.splits]
    answers = (PROBABILITY, AMOUNT, CLASS)
    known = [feature for feature in both if not feature.name.startswith("_") or feature.name in answers]
    return sorted(known, key=lambda feature: (feature.name not in beyond, feature.name))[:FEATURES_SHOWN]


def _verdict(raised: Sequence[Alert]) -> Verdict:
    critical = [alert for alert in raised if alert.severity == "critical"]
    if critical:
        return Verdict("bad", "✕", "Critical", critical[0].sentence)
    if raised:
        return Verdict("unsure", "!", "Warning", raised[0].sentence)
    return Verdict("good", "✓", "All is well", "No alert is raised.")


def _figures(monitored: Monitored) -> list[Figure]:
    window = monitored.window
    failed = window.requests.get("refused", 0) + window.requests.get("failed", 0)
    found = [
        Figure("requests", number(window.asked), f"{number(failed)} without an answer" if failed else "all answered"),
        Figure("rows", number(window.answered), ", ".join(sorted(window.rows))),
        Figure("labels", number(sum(window.labelled.get("served", {}).values())), "came back in this window"),
    ]
    if "p99" in window.latency_ms:
        found.append(
            Figure("latency", f"{window.latency_ms['p99']:.1f} ms", f"p99; p50 {window.latency_ms['p50']:.1f} ms")
        )
    return found


def _metric_names(monitored: Monitored) -> list[str]:
    names = {name for versions in monitored.metrics.values() for values in versions.values() for name in values}
    return sorted(names - COUNTS) + sorted(names & {"example_count"})


def _span(monitored: Monitored) -> str:
    return f"{_moment(monitored.window.since)} to {_moment(monitored.window.until)}"


def _moment(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1e6):%Y-%m-%d %H:%M:%S}"
