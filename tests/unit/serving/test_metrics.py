"""What monitoring measured last is shown at the server's `/metrics` as well."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from flightline.serving.metrics import MonitoringCollector


def shown(path) -> str:
    registry = CollectorRegistry()
    registry.register(MonitoringCollector(path))
    return generate_latest(registry).decode()


def test_the_textfile_is_shown_as_it_is_now(tmp_path):
    path = tmp_path / "flightline.prom"
    assert shown(path) == ""
    path.write_text('# HELP flightline_drift x\n# TYPE flightline_drift gauge\nflightline_drift{feature="a b"} 0.5\n')
    assert 'flightline_drift{feature="a b"} 0.5' in shown(path)


def test_a_file_that_is_no_metrics_breaks_nothing(tmp_path):
    path = tmp_path / "flightline.prom"
    path.write_text('flightline_drift{feature="a 0.5\n')
    assert "flightline_drift" not in shown(path)
