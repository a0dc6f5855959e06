"""A training run that an alert starts: limited per day, with its reason in the lineage and the audit log.

Whether its model is released is up to the run's gates, as always.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from flightline.config.settings import Config
from flightline.monitoring.alerts import Alert
from flightline.releases import audit_log
from flightline.releases.release import read_releases

RETRAIN_STARTED, RETRAIN_ENDED = "retrain started", "retrain ended"


def select_retrain_alerts(config: Config, alerts: Sequence[Alert]) -> list[Alert]:
    """Return the alerts that are severe enough to start a run."""
    return [alert for alert in alerts if alert.severity in config.monitoring.retrain.severities]


def remaining_retrains(config: Config, now: datetime | None = None) -> int:
    """Return how many more runs alerts may start, after those of the last 24 hours."""
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
    """Train on the present data: with a `window` on every new span, else on all rows.

    Records the start, and at the end the exit code and the versions that were released. Success does not mean a
    release: the data may not have changed since the current one, or a span may only have been ingested.

    Returns:
        The run's exit code.
    """
    from flightline.runs.backfill import run_new_spans
    from flightline.runs.launch import run_pipeline
    from flightline.runs.request import RunRequest

    earlier = _released_versions(config)
    audit_log.record(config.workspace, RETRAIN_STARTED, pipeline=config.name, reason=reason)
    request = RunRequest(path, tuple(overrides), plain=plain, reason=reason)
    code = run_pipeline(request, "local") if config.window is None else run_new_spans(request, "local")
    new = [version for version in _released_versions(config) if version not in earlier]
    audit_log.record(
        config.workspace,
        RETRAIN_ENDED,
        pipeline=config.name,
        exit_code=code,
        released=bool(new),
        versions=", ".join(new) or None,
    )
    return code


def _released_versions(config: Config) -> list[str]:
    return sorted(release.version for release in read_releases(config.releases))
