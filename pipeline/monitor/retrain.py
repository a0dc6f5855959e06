"""A run that an alert starts: within a budget, with the reason in the lineage and the audit log. Its gates decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pipeline import audit
from pipeline.config import Config
from pipeline.errors import DONE
from pipeline.monitor.alerts import Alert

STARTED, ENDED = "retrain started", "retrain ended"


def wanted_by(config: Config, alerts: Sequence[Alert]) -> list[Alert]:
    """The raised alerts that are severe enough to start a run."""
    return [alert for alert in alerts if alert.severity in config.monitoring.retrain.severities]


def left_today(config: Config, now: datetime | None = None) -> int:
    """How many runs may be started still, of those of 24 hours."""
    since = (now or datetime.now(timezone.utc)) - timedelta(days=1)
    started = [
        entry
        for entry in audit.read(config.workspace)
        if entry.event == STARTED
        and entry.facts.get("pipeline") == config.name
        and datetime.fromisoformat(entry.at) > since
    ]
    return max(0, config.monitoring.retrain.max_per_day - len(started))


def retrain(config: Config, path: Path, overrides: Sequence[str], reason: str, plain: bool) -> int:
    """Trains on what is there now: with a `window` every new span, else all the data; returns the run's exit code."""
    from pipeline.all_new import take_all_new
    from pipeline.launch import Request, run

    audit.record(config.workspace, STARTED, pipeline=config.name, reason=reason)
    request = Request(path, tuple(overrides), plain=plain, reason=reason)
    code = run(request, "local") if config.window is None else take_all_new(request, "local")
    audit.record(config.workspace, ENDED, pipeline=config.name, exit_code=code, released=code == DONE)
    return code
