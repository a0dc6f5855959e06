"""The last window as Prometheus metrics: a file for node_exporter's textfile collector; the server shows it as well."""

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


def write_metrics(config: Config, monitored: MonitoringResult, alerts: Mapping[str, Alert]) -> Path:
    """Writes the metrics of a window and the alerts after it, whole or not at all; returns the file."""
    path = config.monitoring_folder / METRICS_FILE
    registry = CollectorRegistry()
    window = monitored.window
    _set_gauge(registry, "flightline_monitor_window_end_seconds", "End of the window", [], [((), window.until / 1e6)])
    requests = [((outcome,), count) for outcome, count in window.requests.items()]
    _set_gauge(registry, "flightline_monitor_requests", "Requests of the window", ["outcome"], requests)
    _set_gauge(registry, "flightline_monitor_rows", "Answered rows", ["version"], _version_samples(window.rows))
    labelled = window.labelled.get("served", {})
    _set_gauge(
        registry, "flightline_monitor_labelled_rows", "Labels that came back", ["version"], _version_samples(labelled)
    )
    for kind, name in _DISTANCES.items():
        values = [((one.subject,), one.value) for one in monitored.measures if one.kind == kind]
        _set_gauge(registry, name, f"Distance of a feature's values: {kind}", ["feature"], values)
    of_window = [one for one in monitored.measures if not one.subject and one.kind != "silent"]
    for one in of_window:
        _set_gauge(registry, f"flightline_{_metric_name(one.kind)}", one.measure.capitalize(), [], [((), one.value)])
    metrics = [
        ((metric, version, answer), value)
        for answer, versions in monitored.metrics.items()
        for version, values in versions.items()
        for metric, value in values.items()
    ]
    _set_gauge(registry, "flightline_metric", "Measured on labelled answers", ["metric", "version", "answer"], metrics)
    raised = [((alert.name, alert.severity), float(alert.firing)) for alert in alerts.values()]
    _set_gauge(registry, "flightline_alert_firing", "1 for alerts that are raised", ["alert", "severity"], raised)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    write_to_textfile(str(aside), registry)
    aside.replace(path)
    return path


def _metric_name(kind: str) -> str:
    return f"{kind}_share" if kind in {"refused", "failed", "lost"} else f"{kind}_p99_ms" if kind == "latency" else kind


def _version_samples(rows: Mapping[str, int]) -> list[tuple[tuple[str], int]]:
    return [((version,), count) for version, count in rows.items()]


def _set_gauge(
    registry: CollectorRegistry,
    name: str,
    about: str,
    labels: list[str],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> None:
    gauge = Gauge(name, about, labels, registry=registry)
    for of_labels, value in values:
        (gauge.labels(*of_labels) if labels else gauge).set(value)
