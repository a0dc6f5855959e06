"""The dashboard uses existing metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.executors.window_monitor.measures import Measure, MonitoringResult, Window
from flightline.monitoring.alerts import Alert
from flightline.monitoring.prometheus import write_metrics

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = json.loads((ROOT / "docker" / "grafana.json").read_text())
PANELS = DASHBOARD["panels"]
# What Prometheus adds to the names that counters and histograms are declared with.
SUFFIXES = {"Counter": ["_total"], "Histogram": ["_bucket", "_count", "_sum"], "Gauge": [""]}


@pytest.fixture
def known(tmp_path) -> set[str]:
    """The names of the server's metrics, as they are declared, and of those that monitoring writes."""
    declared = re.findall(
        r'(Counter|Histogram|Gauge)\(\s*"(\w+)"', (ROOT / "flightline" / "serving" / "metrics.py").read_text()
    )
    names = {f"{name}{suffix}" for kind, name in declared for suffix in SUFFIXES[kind]}
    config = load_config(Path("configs/flights.yaml"), [f"workspace={tmp_path}"])
    kinds = ("skew", "drift", "prediction_drift", "invalid_requests", "failed_requests", "lost_rows", "latency")
    measures = [Measure(kind, "x" if kind in {"skew", "drift"} else "", 0.5, 1.0) for kind in kinds]
    window = Window(0, 1, {"7": 1}, {"answered": 1}, {"served": {"7": 1}})
    result = MonitoringResult(window, measures, {"served": {"7": {"auc": 0.9}}})
    text = write_metrics(config, result, {"x": Alert("x", "critical")}).read_text()
    return names | {re.match(r"\w+", line)[0] for line in text.splitlines() if not line.startswith("#")}


def test_every_panel_uses_existing_metrics(known):
    used = {
        name
        for panel in PANELS
        for target in panel["targets"]
        for name in re.findall(r"flightline_\w+", target["expr"])
    }
    assert used <= known
    assert len(used) > 15


def test_panels_have_titles_and_legends_and_do_not_overlap():
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in PANELS]
    assert len(set(places)) == len(PANELS) == len({p["title"] for p in PANELS}) == len({p["id"] for p in PANELS})
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in PANELS)
    assert all(target["legendFormat"] for panel in PANELS for target in panel["targets"])
