"""The last window as Prometheus metrics, in a file for node_exporter's textfile collector.

The model server includes the same file in its own metrics.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from flightline.config.monitoring import METRICS_FILE
from flightline.config.settings import Config
from flightline.executors.window_monitor.measures import MonitoringResult
from flightline.monitoring.alerts import Alert

_DISTANCES = {"skew": "flightline_skew", "drift": "flightline_drift"}


def write_metrics(config: Config, result: MonitoringResult, alerts: Mapping[str, Alert]) -> Path:
    """Write the metrics of a window and its alerts atomically; return the file."""
    path = config.monitoring_folder / METRICS_FILE
    registry = CollectorRegistry()
    window = result.window
    _set_gauge(registry, "flightline_monitor_window_end_seconds", "End of the window", [], [((), window.until / 1e6)])
    requests = [((outcome,), count) for outcome, count in window.requests.items()]
    _set_gauge(registry, "flightline_monitor_requests", "Requests of the window", ["outcome"], requests)
    _set_gauge(registry, "flightline_monitor_rows", "Answered rows", ["version"], _version_samples(window.rows))
    labelled = window.labelled.get("served", {})
    _set_gauge(
        registry,
        "flightline_monitor_labelled_rows",
        "Answered rows with a label",
        ["version"],
        _version_samples(labelled),
    )
    for kind, name in _DISTANCES.items():
        values = [((measure.subject,), measure.value) for measure in result.measures if measure.kind == kind]
        _set_gauge(registry, name, f"Distance of a feature's values: {kind}", ["feature"], values)
    window_measures = [measure for measure in result.measures if not measure.subject and measure.kind != "no_traffic"]
    for measure in window_measures:
        name = f"flightline_{_metric_name(measure.kind)}"
        _set_gauge(registry, name, measure.measure.capitalize(), [], [((), measure.value)])
    metrics = [
        ((metric, version, source), value)
        for source, versions in result.metrics.items()
        for version, values in versions.items()
        for metric, value in values.items()
    ]
    _set_gauge(registry, "flightline_metric", "Metrics on labelled rows", ["metric", "version", "source"], metrics)
    firing = [((alert.name, alert.severity), float(alert.firing)) for alert in alerts.values()]
    _set_gauge(registry, "flightline_alert_firing", "1 for alerts that are firing", ["alert", "severity"], firing)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write_to_textfile(str(temporary), registry)
    temporary.replace(path)
    return path


def _metric_name(kind: str) -> str:
    if kind in {"invalid_requests", "failed_requests", "lost_rows"}:
        return f"{kind}_share"
    return "latency_p99_ms" if kind == "latency" else kind


def _version_samples(rows: Mapping[str, int]) -> list[tuple[tuple[str], int]]:
    return [((version,), count) for version, count in rows.items()]


def _set_gauge(
    registry: CollectorRegistry,
    name: str,
    description: str,
    labels: list[str],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> None:
    gauge = Gauge(name, description, labels, registry=registry)
    for label_values, value in values:
        (gauge.labels(*label_values) if labels else gauge).set(value)
