"""Prometheus metrics of the server, served at /metrics of the metrics port together with MLServer's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

REQUESTS = Counter("flightline_requests", "Requests by outcome", ["version", "role", "outcome"])
ROWS = Counter("flightline_rows", "Rows that got a prediction", ["version", "role"])
LATENCY = Histogram(
    "flightline_latency_seconds",
    "Time from the parsed request to its predictions",
    ["version", "role"],
    buckets=(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
INVALID_VALUES = Counter("flightline_invalid_values", "Values that violate the input contract", ["feature", "reason"])
ACTIVE_RELEASES = Gauge("flightline_release_active", "1 for the releases that are being served", ["version", "role"])
RELEASE_CHANGES = Counter("flightline_release_changes", "Changes of the served releases, by outcome", ["outcome"])
LOG_ROWS = Gauge("flightline_log_rows", "Rows of the prediction log since the server started", ["state"])


class MonitoringCollector(Collector):
    """The metrics of the last monitored window, from its textfile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """The metrics in the file; none if it does not exist or cannot be parsed."""
        with contextlib.suppress(OSError, ValueError):
            yield from list(text_string_to_metric_families(self._path.read_text(encoding="utf-8")))


def register_monitoring_file(path: Path) -> None:
    """Include monitoring's textfile in `/metrics`."""
    REGISTRY.register(MonitoringCollector(path))
