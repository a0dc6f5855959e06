"""From measures to alerts: one that rises has to be there for some windows, one that ends has to be well within its
threshold for some, and nobody is told of the same one again before a cool-down is over."""

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
EventType = Literal["raised", "still there", "cleared"]


@dataclass(frozen=True)
class Alert:
    """What is known of one alert from window to window.

    Attributes:
        name: `drift:temp`. severity: as the config had it when it was measured last.
        firing: whether it is raised. beyond, within: windows in a row.
        since: when it was raised; told: when somebody was last told, both seconds since the epoch.
        sentence: what was measured last.
    """

    name: str
    severity: AlertSeverity
    firing: bool = False
    beyond: int = 0
    within: int = 0
    since: float | None = None
    told: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Event:
    """Something to tell somebody."""

    what: EventType
    alert: Alert
    at: float

    def to_dict(self) -> dict[str, Any]:
        alert = self.alert
        return {
            "at": self.at,
            "event": self.what,
            "alert": alert.name,
            "severity": alert.severity,
            "since": alert.since,
            "message": alert.sentence,
        }


def update_alerts(
    known: Mapping[str, Alert], measures: Iterable[Measure], config: MonitoringConfig, now: float
) -> tuple[dict[str, Alert], list[Event]]:
    """The alerts after a window, and what to tell of them.

    An alert whose measure is not there (too few rows, say) stays as it is: not to have looked is not to have seen that
    all is well. One that is set to `ignore` is forgotten.

    Args:
        known: the alerts after the window before, by name.
        now: seconds since the epoch.
    """
    alerts, events = dict(known), []
    for measure in measures:
        severity = config.severity_of(measure.kind, measure.subject)
        if severity == "ignore":
            alerts.pop(measure.name, None)
            continue
        before = replace(alerts.get(measure.name, Alert(measure.name, severity)), severity=severity)
        after, what = _update_alert(replace(before, sentence=measure.sentence), measure, config, now)
        alerts[measure.name] = after
        if what:
            events.append(Event(what, after, now))
    return alerts, events


def _update_alert(
    alert: Alert, measure: Measure, config: MonitoringConfig, now: float
) -> tuple[Alert, EventType | None]:
    if measure.breached:
        alert = replace(alert, beyond=alert.beyond + 1, within=0)
        raised = not alert.firing and alert.beyond >= config.raise_after_windows
        if raised:
            alert = replace(alert, firing=True, since=now)
        if not alert.firing or (
            alert.told is not None and now - alert.told < config.cooldown_hours * _SECONDS_PER_HOUR
        ):
            return alert, None
        return replace(alert, told=now), "raised" if raised else "still there"
    if not alert.firing:
        return replace(alert, beyond=0, within=0), None
    if not measure.may_clear(config.clear_ratio):  # between the two it stays what it was
        return replace(alert, beyond=0, within=0), None
    alert = replace(alert, beyond=0, within=alert.within + 1)
    if alert.within < config.clear_after_windows:
        return alert, None
    return replace(alert, firing=False, since=None), "cleared"


def firing_alerts(alerts: Mapping[str, Alert]) -> list[Alert]:
    """Those that are raised, critical ones first."""
    return sorted((a for a in alerts.values() if a.firing), key=lambda a: (a.severity != "critical", a.name))


def load_alerts(folder: Path) -> dict[str, Alert]:
    """The alerts that `write_alerts` kept; none where there are none.

    Raises:
        UsageError: the file is not what was written.
    """
    try:
        kept = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        return {name: Alert(**alert) for name, alert in kept.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{folder / STATE_FILE} is not what was written: {error}", "moved away, all alerts are as if never raised"
        ) from error


def save_alerts(folder: Path, alerts: Mapping[str, Alert]) -> None:
    """Keeps the alerts, whole or not at all."""
    atomic_write(
        folder / STATE_FILE, json.dumps({name: asdict(alert) for name, alert in alerts.items()}, indent=2) + "\n"
    )
