"""From measures to alerts.

An alert is raised after some consecutive windows beyond its threshold, and resolved after some well within it. While it
fires, it is notified again only after a cool-down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from flightline.config.monitoring import AlertSeverity, MonitoringConfig
from flightline.errors import UsageError
from flightline.executors.window_monitor.measures import Measure
from flightline.utils.files import atomic_write

STATE_FILE = "alerts.json"
_SECONDS_PER_HOUR = 3600.0
EventType = Literal["raised", "repeated", "resolved"]


@dataclass(frozen=True)
class Alert:
    """The state of one alert, kept from window to window.

    Attributes:
        name: kind and subject, such as `drift:temp`.
        severity: as configured when it was last measured.
        firing: whether it is raised.
        windows_breached, windows_within: consecutive windows beyond, or well within, its threshold.
        raised_at: when it was raised, seconds since the epoch; None if it is not firing.
        last_notified_at: when it was last notified, seconds since the epoch; None if never.
        message: its latest measure, for people.
    """

    name: str
    severity: AlertSeverity
    firing: bool = False
    windows_breached: int = 0
    windows_within: int = 0
    raised_at: float | None = None
    last_notified_at: float | None = None
    message: str = ""


@dataclass(frozen=True)
class Event:
    """A change of an alert that has to be notified; `time` is in seconds since the epoch."""

    type: EventType
    alert: Alert
    time: float

    def to_dict(self) -> dict[str, Any]:
        alert = self.alert
        return {
            "time": self.time,
            "event": self.type,
            "alert": alert.name,
            "severity": alert.severity,
            "raised_at": alert.raised_at,
            "message": alert.message,
        }


def update_alerts(
    previous: Mapping[str, Alert], measures: Iterable[Measure], config: MonitoringConfig, now: float
) -> tuple[dict[str, Alert], list[Event]]:
    """The alerts after a window, and the events to notify.

    An alert without a measure in this window, because of too few rows for example, keeps its state: no measurement is
    no evidence of recovery. An alert with the severity `ignore` is removed.

    Args:
        previous: the alerts after the previous window, by name.
        measures: the measures of this window.
        config: thresholds, severities, cool-down.
        now: seconds since the epoch.
    """
    alerts, events = dict(previous), []
    for measure in measures:
        severity = config.severity_of(measure.kind, measure.subject)
        if severity == "ignore":
            alerts.pop(measure.name, None)
            continue
        before = replace(alerts.get(measure.name, Alert(measure.name, severity)), severity=severity)
        after, event = _update_alert(replace(before, message=measure.sentence), measure, config, now)
        alerts[measure.name] = after
        if event:
            events.append(Event(event, after, now))
    return alerts, events


def _update_alert(
    alert: Alert, measure: Measure, config: MonitoringConfig, now: float
) -> tuple[Alert, EventType | None]:
    if measure.breached:
        alert = replace(alert, windows_breached=alert.windows_breached + 1, windows_within=0)
        raised = not alert.firing and alert.windows_breached >= config.raise_after_windows
        if raised:
            alert = replace(alert, firing=True, raised_at=now)
        if not alert.firing or _cooling_down(alert, config, now):
            return alert, None
        return replace(alert, last_notified_at=now), "raised" if raised else "repeated"
    if not alert.firing or not measure.may_clear(config.clear_ratio):
        return replace(alert, windows_breached=0, windows_within=0), None
    alert = replace(alert, windows_breached=0, windows_within=alert.windows_within + 1)
    if alert.windows_within < config.clear_after_windows:
        return alert, None
    return replace(alert, firing=False, raised_at=None), "resolved"


def _cooling_down(alert: Alert, config: MonitoringConfig, now: float) -> bool:
    notified = alert.last_notified_at
    return notified is not None and now - notified < config.cooldown_hours * _SECONDS_PER_HOUR


def firing_alerts(alerts: Mapping[str, Alert]) -> list[Alert]:
    """The alerts that are raised, critical ones first."""
    return sorted((a for a in alerts.values() if a.firing), key=lambda a: (a.severity != "critical", a.name))


def load_alerts(folder: Path) -> dict[str, Alert]:
    """Read the alerts that `save_alerts` wrote; empty if it never did.

    Raises:
        UsageError: the file is damaged.
    """
    try:
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        return {name: Alert(**alert) for name, alert in state.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{folder / STATE_FILE} is damaged: {error}", "move it away; all alerts then start as not raised"
        ) from error


def save_alerts(folder: Path, alerts: Mapping[str, Alert]) -> None:
    """Write the alerts atomically."""
    atomic_write(
        folder / STATE_FILE, json.dumps({name: asdict(alert) for name, alert in alerts.items()}, indent=2) + "\n"
    )
