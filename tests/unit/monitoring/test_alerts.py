"""Alerts over windows: raised after some, ended after some well within, told of once until the cool-down is over."""

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
    """The alerts and what was told after each window; None is a window without the measure."""
    alerts, told = {}, []
    for number, value in enumerate(values):
        measures = [] if value is None else [measured(value)]
        alerts, events = update_alerts(alerts, measures, config, number * hours * HOUR)
        told.append([event.what for event in events])
    return alerts, told


def test_it_is_raised_and_cleared():
    alerts, told = follow([0.05, 0.2, 0.05], MonitoringConfig())
    assert told == [[], ["raised"], ["cleared"]]
    assert not firing_alerts(alerts)


def test_it_takes_as_many_windows_in_a_row_as_the_config_says():
    config = MonitoringConfig(raise_after_windows=2, clear_after_windows=2)
    _, told = follow([0.2, 0.05, 0.2, 0.2, 0.05, 0.2, 0.05, 0.05], config)
    assert told == [[], [], [], ["raised"], [], ["still there"], [], ["cleared"]]


def test_between_the_threshold_and_well_within_it_stays_what_it_was():
    alerts, told = follow([0.2, 0.095, 0.095, 0.089], MonitoringConfig(clear_ratio=0.9))
    assert told == [["raised"], [], [], ["cleared"]]
    alerts, told = follow([0.095, 0.095], MonitoringConfig(clear_ratio=0.9))
    assert told == [[], []]
    assert not firing_alerts(alerts)


def test_nobody_is_told_again_before_the_cool_down_is_over():
    config = MonitoringConfig(cooldown_hours=24)
    alerts, told = follow([0.2] * 5, config, hours=10)
    assert told == [["raised"], [], [], ["still there"], []]
    assert [alert.name for alert in firing_alerts(alerts)] == ["drift:temp"]


def test_one_that_comes_back_within_the_cool_down_is_raised_and_not_told():
    alerts, told = follow([0.2, 0.01, 0.2], MonitoringConfig(cooldown_hours=24), hours=1)
    assert told == [["raised"], ["cleared"], []]
    assert [alert.name for alert in firing_alerts(alerts)] == ["drift:temp"]


def test_not_to_have_looked_is_not_to_have_seen_that_all_is_well():
    alerts, told = follow([0.2, None, None], MonitoringConfig())
    assert told == [["raised"], [], []]
    assert len(firing_alerts(alerts)) == 1


def test_the_severity_is_that_of_the_alert_else_of_its_kind():
    config = MonitoringConfig(severity={"drift": "critical", "drift:temp": "ignore"})
    alerts, events = update_alerts({}, [measured(0.2), measured(0.2, subject="wind")], config, 0)
    assert [(event.alert.name, event.alert.severity) for event in events] == [("drift:wind", "critical")]
    assert list(alerts) == ["drift:wind"]


def test_what_is_set_to_be_ignored_is_forgotten():
    alerts, _ = update_alerts({}, [measured(0.2)], MonitoringConfig(), 0)
    alerts, events = update_alerts(alerts, [measured(0.2)], MonitoringConfig(severity={"drift": "ignore"}), 1)
    assert (alerts, events) == ({}, [])


def test_critical_ones_come_first():
    measures = [measured(0.2), Measure("performance", "AUC@7", 0.6, 0.8, "below", "the value")]
    alerts, _ = update_alerts({}, measures, MonitoringConfig(), 0)
    assert [alert.severity for alert in firing_alerts(alerts)] == ["critical", "warning"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_what_is_told_takes_turns(values, raise_after_windows, clear_after_windows):
    config = MonitoringConfig(
        raise_after_windows=raise_after_windows, clear_after_windows=clear_after_windows, cooldown_hours=0
    )
    _, told = follow(values, config)
    turns = [what for window in told for what in window if what != "still there"]
    assert turns == ["raised", "cleared"] * (len(turns) // 2) + ["raised"] * (len(turns) % 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_alert_is_never_raised_by_a_window_within_its_threshold(values):
    alerts: dict = {}
    for number, value in enumerate(values):
        _, events = update_alerts(alerts, [measured(value)], MonitoringConfig(cooldown_hours=0), number)
        assert not [e for e in events if e.what == "raised" and value <= 0.1]
        alerts, _ = update_alerts(alerts, [measured(value)], MonitoringConfig(cooldown_hours=0), number)


def test_the_state_is_read_as_it_was_written(tmp_path):
    alerts = {"drift:temp": Alert("drift:temp", "critical", True, 3, 0, 17.5, 18.5, "it is far")}
    save_alerts(tmp_path, alerts)
    assert load_alerts(tmp_path) == alerts


def test_a_state_that_is_not_what_was_written_is_said(tmp_path):
    (tmp_path / STATE_FILE).write_text('{"drift:temp": {"nothing": 1}}')
    with pytest.raises(UsageError, match=STATE_FILE):
        load_alerts(tmp_path)


def test_settings_that_name_what_there_is_not_are_refused():
    with pytest.raises(ValueError, match="weather:temp is no alert"):
        MonitoringConfig(severity={"weather:temp": "critical"})
    with pytest.raises(ValueError, match="there is no metric AUK"):
        MonitoringConfig(performance={"AUK": {"bound": 0.8}})
    with pytest.raises(ValueError, match="neither better high nor low"):
        MonitoringConfig(performance={"Calibration": {"bound": 0.8}})
