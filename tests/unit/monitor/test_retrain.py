"""How many runs alerts may start, and which alerts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pipeline import audit
from pipeline.monitor.alerts import Alert
from pipeline.monitor.retrain import STARTED, left_today, wanted_by
from pipeline.monitor.settings import RetrainConfig


def with_retrain(config, **settings):
    monitoring = config.monitoring.model_copy(update={"retrain": RetrainConfig(**settings)})
    return config.model_copy(update={"monitoring": monitoring})


def test_the_budget_is_what_was_started_in_a_day(config):
    config = with_retrain(config, max_per_day=2)
    assert left_today(config) == 2
    audit.record(config.workspace, STARTED, pipeline="flights", reason="drift")
    audit.record(config.workspace, STARTED, pipeline="another", reason="drift")
    assert left_today(config) == 1
    audit.record(config.workspace, STARTED, pipeline="flights", reason="drift")
    assert left_today(config) == 0
    assert left_today(config, datetime.now(timezone.utc) + timedelta(hours=25)) == 2


def test_alerts_that_are_severe_enough_start_one(config):
    alerts = [Alert("a", "critical", True), Alert("b", "warning", True)]
    assert [alert.name for alert in wanted_by(config, alerts)] == ["a"]
    both = with_retrain(config, severities=("critical", "warning"))
    assert [alert.name for alert in wanted_by(both, alerts)] == ["a", "b"]
