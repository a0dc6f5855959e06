"""Where alerts are sent: files, a webhook, metrics."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.errors import ConfigError
from flightline.executors.window_monitor.measures import Measure, MonitoringResult, Window
from flightline.monitoring.alerts import Alert, Event
from flightline.monitoring.notify import EVENTS_FILE, notify
from flightline.monitoring.prometheus import write_metrics

EVENT = Event("raised", Alert("drift:temp", "warning", True, 1, 0, 5.0, 5.0, "it is far"), 5.0)


@pytest.fixture
def webhook():
    """A local server: its URL, the messages that it received, and the status that it responds with."""
    received: list[dict] = []
    status = [204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alert", received, status
    server.shutdown()
    thread.join()
    server.server_close()


def with_monitoring(config, **settings):
    return config.model_copy(update={"monitoring": config.monitoring.model_copy(update=settings)})


def test_an_alert_is_sent_to_both_files_and_the_webhook(config, webhook, tmp_path):
    url, received, _ = webhook
    config = with_monitoring(config, webhook=url, alerts_file=tmp_path / "deep" / "alerts.jsonl")
    assert notify(config, "monitor-1", [EVENT]) == []
    line = {
        "time": "1970-01-01T00:00:05+00:00",
        "event": "raised",
        "alert": "drift:temp",
        "severity": "warning",
        "raised_at": 5.0,
        "message": "it is far",
        "pipeline": "flights",
        "run": "monitor-1",
    }
    assert received == [line]
    for file in (tmp_path / "deep" / "alerts.jsonl", config.monitoring_folder / EVENTS_FILE):
        assert json.loads(file.read_text()) == line


def test_a_failing_webhook_is_reported_and_the_file_is_written(config, webhook):
    url, _, status = webhook
    status[0] = 500
    [problem] = notify(with_monitoring(config, webhook=url), "monitor-1", [EVENT])
    assert "drift:temp" in problem
    assert "500" in problem
    assert (config.monitoring_folder / EVENTS_FILE).is_file()


def test_an_unreachable_webhook_is_reported(config):
    with socket.socket() as unused:  # bound, but not listening
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        [problem] = notify(with_monitoring(config, webhook=url), "monitor-1", [EVENT])
    assert "did not accept" in problem


def test_a_webhook_must_be_an_http_url():
    with pytest.raises(ConfigError, match=r"monitoring\.webhook"):
        load_config(Path("configs/flights.yaml"), ["monitoring.webhook=file:///etc/passwd"])


def test_the_prometheus_file_has_the_measures_and_alerts(config):
    result = MonitoringResult(
        Window(0, 60_000_000, {"7": 90}, {"answered": 9, "invalid": 1}, {"served": {"7": 5}}),
        [
            Measure("drift", 'te"mp\n', 0.25, 0.1),
            Measure("skew", "temp", 0.5, 0.2),
            Measure("prediction_drift", "", 0.01, 0.1),
            Measure("invalid_requests", "", 0.1, 0.01),
        ],
        {"served": {"7": {"auc": 0.9}}},
    )
    text = write_metrics(config, result, {"drift:temp": EVENT.alert}).read_text()
    lines = {line for line in text.splitlines() if not line.startswith("#")}
    assert lines == {
        "flightline_monitor_window_end_seconds 60.0",
        'flightline_monitor_requests{outcome="answered"} 9.0',
        'flightline_monitor_requests{outcome="invalid"} 1.0',
        'flightline_monitor_rows{version="7"} 90.0',
        'flightline_monitor_labelled_rows{version="7"} 5.0',
        'flightline_drift{feature="te\\"mp\\n"} 0.25',
        'flightline_skew{feature="temp"} 0.5',
        "flightline_prediction_drift 0.01",
        "flightline_invalid_requests_share 0.1",
        'flightline_metric{metric="auc",source="served",version="7"} 0.9',
        'flightline_alert_firing{alert="drift:temp",severity="warning"} 1.0',
    }


def test_a_secret_address_comes_from_the_environment(config, webhook, monkeypatch):
    url, received, _ = webhook
    config = with_monitoring(config, webhook_env="ALERT_WEBHOOK")
    assert "ALERT_WEBHOOK holds no http(s) address" in notify(config, "monitor-1", [EVENT])[0]
    monkeypatch.setenv("ALERT_WEBHOOK", url)
    assert notify(config, "monitor-1", [EVENT]) == []
    assert len(received) == 1
