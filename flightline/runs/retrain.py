"""A run that an alert starts: within a budget, with the reason in the lineage and the audit log. Its gates decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from flightline.config.settings import Config
from flightline.errors import EXIT_OK
from flightline.monitoring.alerts import Alert
from flightline.releases import audit_log

RETRAIN_STARTED, RETRAIN_ENDED = "retrain started", "retrain ended"


def select_retrain_alerts(config: Config, alerts: Sequence[Alert]) -> list[Alert]:
    """The raised alerts that are severe enough to start a run."""
    return [alert for alert in alerts if alert.severity in config.monitoring.retrain.severities]


def remaining_retrains(config: Config, now: datetime | None = None) -> int:
    """How many runs may be started still, of those of 24 hours."""
    since = (now or datetime.now(timezone.utc)) - timedelta(days=1)
    started = [
        entry
        for entry in audit_log.read(config.workspace)
        if entry.event == RETRAIN_STARTED
        and entry.facts.get("pipeline") == config.name
        and datetime.fromisoformat(entry.time) > since
    ]
    return max(0, config.monitoring.retrain.max_per_day - len(started))


def retrain(config: Config, path: Path, overrides: Sequence[str], reason: str, plain: bool) -> int:
    """Trains on what is there now: with a `window` every new span, else all the data; returns the run's exit code."""
    from flightline.runs.backfill import run_new_spans
    from flightline.runs.launch import RunRequest, run_pipeline

    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline=config.name, reason=reason)
    request = RunRequest(path, tuple(overrides), plain=plain, reason=reason)
    code = run_pipeline(request, "local") if config.window is None else run_new_spans(request, "local")
    audit_log.record(config.workspace, RETRAIN_ENDED, pipeline=config.name, exit_code=code, released=code == EXIT_OK)
    return code
