"""Which alerts start training runs, how many, and what the audit log says of these runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from flightline.config.monitoring import RetrainConfig
from flightline.monitoring.alerts import Alert
from flightline.releases import audit_log
from flightline.releases.registry import publish_release
from flightline.runs import launch
from flightline.runs.retrain import RETRAIN_ENDED, RETRAIN_STARTED, remaining_retrains, retrain, select_retrain_alerts


def with_retrain(config, **settings):
    monitoring = config.monitoring.model_copy(update={"retrain": RetrainConfig(**settings)})
    return config.model_copy(update={"monitoring": monitoring})


def test_the_limit_counts_the_runs_of_a_day(config):
    config = with_retrain(config, max_per_day=2)
    assert remaining_retrains(config) == 2
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="flights", reason="drift")
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="another", reason="drift")
    assert remaining_retrains(config) == 1
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline="flights", reason="drift")
    assert remaining_retrains(config) == 0
    assert remaining_retrains(config, datetime.now(timezone.utc) + timedelta(hours=25)) == 2


def test_only_severe_alerts_start_a_run(config):
    alerts = [Alert("a", "critical", True), Alert("b", "warning", True)]
    assert [alert.name for alert in select_retrain_alerts(config, alerts)] == ["a"]
    both = with_retrain(config, severities=("critical", "warning"))
    assert [alert.name for alert in select_retrain_alerts(both, alerts)] == ["a", "b"]


def release(config, version):
    pushed = config.releases / version
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").write_text("model")
    publish_release(pushed, {"run": "r"})


@pytest.fixture
def retrain_that_releases(config, monkeypatch):
    """`retrain_that_releases(version, code)` → the audit log's last entry, after a run that released this version."""
    release(config, "1")

    def run(version, code):
        def run_pipeline(request, runner):
            assert request.reason == "alert drift"
            if version:
                release(config, version)
            return code

        monkeypatch.setattr(launch, "run_pipeline", run_pipeline)
        assert retrain(config, Path("configs/flights.yaml"), (), "alert drift", True) == code
        return list(audit_log.read(config.workspace))[-1]

    return run


def test_a_retrain_that_released_a_model_is_recorded_with_its_version(retrain_that_releases):
    entry = retrain_that_releases("2", 0)
    assert entry.event == RETRAIN_ENDED
    assert (entry.facts["exit_code"], entry.facts["released"], entry.facts["versions"]) == (0, True, "2")


@pytest.mark.parametrize("code", [0, 4])
def test_a_retrain_that_released_nothing_is_recorded_as_such(retrain_that_releases, code):
    """Exit code 0 too: nothing had changed, or a span was only ingested."""
    entry = retrain_that_releases(None, code)
    assert (entry.facts["exit_code"], entry.facts["released"]) == (code, False)
    assert not entry.facts.get("versions")
