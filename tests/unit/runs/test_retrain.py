"""How many runs alerts may start, and which alerts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from flightline.config.monitoring import RetrainConfig
from flightline.monitoring.alerts import Alert
from flightline.releases import audit_log
from flightline.runs.retrain import RETRAIN_STARTED, remaining_retrains, select_retrain_alerts


def with_retrain(config, **settings):
    monitoring = config.monitoring.model_copy(update={"retrain": RetrainConfig(**settings)})
    return config.model_copy(update={"monitoring": monitoring})


def test_the_budget_is_what_was_started_in_a_day(config):
    config = with_retrain(config, max_per_day=2)
    assert remaining_retrains(config) == 2
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="flights", reason="drift")
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="another", reason="drift")
    assert remaining_retrains(config) == 1
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="flights", reason="drift")
    assert remaining_retrains(config) == 0
    assert remaining_retrains(config, datetime.now(timezone.utc) + timedelta(hours=25)) == 2


def test_alerts_that_are_severe_enough_start_one(config):
    alerts = [Alert("a", "critical", True), Alert("b", "warning", True)]
    assert [alert.name for alert in select_retrain_alerts(config, alerts)] == ["a"]
    both = with_retrain(config, severities=("critical", "warning"))
    assert [alert.name for alert in select_retrain_alerts(both, alerts)] == ["a", "b"]
