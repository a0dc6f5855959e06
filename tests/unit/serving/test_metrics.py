"""The server's `/metrics` include the metrics of the last monitored window."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from flightline.serving.metrics import MonitoringCollector


def shown(path) -> str:
    registry = CollectorRegistry()
    registry.register(MonitoringCollector(path))
    return generate_latest(registry).decode()


def test_the_monitoring_file_is_read_at_each_scrape(tmp_path):
    path = tmp_path / "flightline.prom"
    assert shown(path) == ""
    path.write_text('# HELP flightline_drift x\n# TYPE flightline_drift gauge\nflightline_drift{feature="a b"} 0.5\n')
    assert 'flightline_drift{feature="a b"} 0.5' in shown(path)


def test_an_invalid_monitoring_file_is_ignored(tmp_path):
    path = tmp_path / "flightline.prom"
    path.write_text('flightline_drift{feature="a 0.5\n')
    assert "flightline_drift" not in shown(path)
