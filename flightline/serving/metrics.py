"""Prometheus metrics of the server, at the metrics port's /metrics beside MLServer's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

REQUESTS = Counter("flightline_requests", "Requests by what became of them", ["version", "role", "outcome"])
ROWS = Counter("flightline_rows", "Rows that were answered", ["version", "role"])
LATENCY = Histogram(
    "flightline_latency_seconds",
    "From the request's rows to its answer",
    ["version", "role"],
    buckets=(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
REFUSED_VALUES = Counter("flightline_refused_values", "Values that broke the contract", ["feature", "reason"])
SERVED_RELEASES = Gauge("flightline_served", "1 for the releases that answer now", ["version", "role"])
SWAPS = Counter("flightline_swaps", "Changes of the release that answers, by outcome", ["outcome"])
LOG_ROWS = Gauge("flightline_log_rows", "Rows of the prediction log since the start", ["state"])


class MonitoringCollector(Collector):
    """What monitoring measured last, of its textfile: a scrape of the server shows both."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """The file as it is now; nothing before monitoring has run, or where it is no metrics."""
        with contextlib.suppress(OSError, ValueError):
            yield from list(text_string_to_metric_families(self._path.read_text(encoding="utf-8")))


def register_monitoring_file(path: Path) -> None:
    """Adds a textfile of monitoring to `/metrics`."""
    REGISTRY.register(MonitoringCollector(path))
