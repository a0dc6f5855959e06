"""The state of alerts over several windows: raised, repeated, resolved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.config.monitoring import MonitoringConfig
from flightline.errors import UsageError
from flightline.executors.window_monitor.measures import Measure
from flightline.monitoring.alerts import STATE_FILE, Alert, firing_alerts, load_alerts, save_alerts, update_alerts

HOUR = 3600.0


def measured(value: float, kind: str = "drift", subject: str = "temp", threshold: float = 0.1) -> Measure:
    return Measure(kind, subject, value, threshold, "above", "the distance")


def follow(values, config, hours=48.0):
    """The alerts at the end, and the events after each window; None is a window without the measure."""
    alerts, events_by_window = {}, []
    for number, value in enumerate(values):
        measures = [] if value is None else [measured(value)]
        alerts, events = update_alerts(alerts, measures, config, number * hours * HOUR)
        events_by_window.append([event.type for event in events])
    return alerts, events_by_window


def test_an_alert_is_raised_and_resolved():
    alerts, events_by_window = follow([0.05, 0.2, 0.05], MonitoringConfig())
    assert events_by_window == [[], ["raised"], ["resolved"]]
    assert not firing_alerts(alerts)


def test_raising_and_resolving_take_the_configured_number_of_consecutive_windows():
    config = MonitoringConfig(raise_after_windows=2, clear_after_windows=2)
    _, events_by_window = follow([0.2, 0.05, 0.2, 0.2, 0.05, 0.2, 0.05, 0.05], config)
    assert events_by_window == [[], [], [], ["raised"], [], ["repeated"], [], ["resolved"]]


def test_an_alert_keeps_its_state_between_the_threshold_and_the_clear_ratio():
    alerts, events_by_window = follow([0.2, 0.095, 0.095, 0.089], MonitoringConfig(clear_ratio=0.9))
    assert events_by_window == [["raised"], [], [], ["resolved"]]
    alerts, events_by_window = follow([0.095, 0.095], MonitoringConfig(clear_ratio=0.9))
    assert events_by_window == [[], []]
    assert not firing_alerts(alerts)


def test_a_firing_alert_is_repeated_only_after_the_cooldown():
    config = MonitoringConfig(cooldown_hours=24)
    alerts, events_by_window = follow([0.2] * 5, config, hours=10)
    assert events_by_window == [["raised"], [], [], ["repeated"], []]
    assert [alert.name for alert in firing_alerts(alerts)] == ["drift:temp"]


def test_an_alert_raised_again_within_the_cooldown_is_not_notified():
    alerts, events_by_window = follow([0.2, 0.01, 0.2], MonitoringConfig(cooldown_hours=24), hours=1)
    assert events_by_window == [["raised"], ["resolved"], []]
    assert [alert.name for alert in firing_alerts(alerts)] == ["drift:temp"]


def test_a_window_without_the_measure_does_not_resolve_an_alert():
    alerts, events_by_window = follow([0.2, None, None], MonitoringConfig())
    assert events_by_window == [["raised"], [], []]
    assert len(firing_alerts(alerts)) == 1


def test_the_severity_of_an_alert_overrides_that_of_its_kind():
    config = MonitoringConfig(severity={"drift": "critical", "drift:temp": "ignore"})
    alerts, events = update_alerts({}, [measured(0.2), measured(0.2, subject="wind")], config, 0)
    assert [(event.alert.name, event.alert.severity) for event in events] == [("drift:wind", "critical")]
    assert list(alerts) == ["drift:wind"]


def test_an_ignored_alert_is_removed():
    alerts, _ = update_alerts({}, [measured(0.2)], MonitoringConfig(), 0)
    alerts, events = update_alerts(alerts, [measured(0.2)], MonitoringConfig(severity={"drift": "ignore"}), 1)
    assert (alerts, events) == ({}, [])


def test_critical_alerts_come_first():
    measures = [measured(0.2), Measure("performance", "AUC@7", 0.6, 0.8, "below", "the value")]
    alerts, _ = update_alerts({}, measures, MonitoringConfig(), 0)
    assert [alert.severity for alert in firing_alerts(alerts)] == ["critical", "warning"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_raised_and_resolved_events_alternate(values, raise_after_windows, clear_after_windows):
    config = MonitoringConfig(
        raise_after_windows=raise_after_windows, clear_after_windows=clear_after_windows, cooldown_hours=0
    )
    _, events_by_window = follow(values, config)
    turns = [what for window in events_by_window for what in window if what != "repeated"]
    assert turns == ["raised", "resolved"] * (len(turns) // 2) + ["raised"] * (len(turns) % 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_alert_is_never_raised_by_a_window_within_its_threshold(values):
    alerts: dict = {}
    for number, value in enumerate(values):
        _, events = update_alerts(alerts, [measured(value)], MonitoringConfig(cooldown_hours=0), number)
        assert not [e for e in events if e.type == "raised" and value <= 0.1]
        alerts, _ = update_alerts(alerts, [measured(value)], MonitoringConfig(cooldown_hours=0), number)


def test_saved_alerts_are_loaded_unchanged(tmp_path):
    alerts = {"drift:temp": Alert("drift:temp", "critical", True, 3, 0, 17.5, 18.5, "it is far")}
    save_alerts(tmp_path, alerts)
    assert load_alerts(tmp_path) == alerts


def test_a_damaged_alert_file_is_an_error(tmp_path):
    (tmp_path / STATE_FILE).write_text('{"drift:temp": {"nothing": 1}}')
    with pytest.raises(UsageError, match=STATE_FILE):
        load_alerts(tmp_path)


def test_unknown_alerts_and_metrics_in_the_config_are_rejected():
    with pytest.raises(ValueError, match="weather:temp is not an alert"):
        MonitoringConfig(severity={"weather:temp": "critical"})
    with pytest.raises(ValueError, match="unknown metric AUK"):
        MonitoringConfig(performance={"AUK": {"limit": 0.8}})
    with pytest.raises(ValueError, match="no better direction"):
        MonitoringConfig(performance={"Calibration": {"limit": 0.8}})
