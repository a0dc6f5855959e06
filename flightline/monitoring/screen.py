"""The terminal summary of a monitored window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flightline.executors.window_monitor.measures import MonitoringResult
from flightline.monitoring.alerts import Alert, Event, firing_alerts
from flightline.utils.terminal import escape

MAX_MEASURES_SHOWN = 8  # those closest to their thresholds


def print_window(
    console: Console, result: MonitoringResult, alerts: Mapping[str, Alert], events: Sequence[Event], page: Path
) -> None:
    """Print the window, its requests, the measures closest to their thresholds, and the alerts."""
    window = result.window
    since, until = (f"{datetime.fromtimestamp(at / 1e6):%Y-%m-%d %H:%M:%S}" for at in (window.since, window.until))
    console.print(f"[bold]Window[/]    {since} to {until}")
    outcomes = " + ".join(f"{outcome} {count:,}" for outcome, count in window.requests.items())
    console.print(f"[bold]Requests[/]  {window.request_count:,} = {outcomes}")
    labelled = sum(window.labelled.get("served", {}).values())
    unmatched = f", {window.unmatched_labels:,} labels match no logged prediction" if window.unmatched_labels else ""
    lost = f", {window.lost_rows:,} lost" if window.lost_rows else ""
    console.print(f"[bold]Rows[/]      answered {window.answered_rows:,}{lost}; labelled {labelled:,}{unmatched}")
    for version, values in result.metrics.get("served", {}).items():
        measured = ", ".join(f"{name} {value:.4f}" for name, value in values.items() if "count" not in name)
        console.print(f"[bold]Served[/]    {escape(version)}: {measured}", soft_wrap=True)
    console.print(_measures_table(result))
    for event in events:
        colour = "green" if event.type == "resolved" else "red" if event.alert.severity == "critical" else "yellow"
        console.print(
            f"[{colour}]{event.type}[/] {event.alert.severity} [bold]{escape(event.alert.name)}[/]: "
            f"{escape(event.alert.message)}",
            soft_wrap=True,
        )
    firing = firing_alerts(alerts)
    console.print(f"[bold]Alerts[/]    {', '.join(escape(alert.name) for alert in firing) or 'none firing'}")
    console.print(f"[bold]Report[/]    {escape(str(page))}", soft_wrap=True)


def _measures_table(result: MonitoringResult) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column, justify in (("measure", "left"), ("value", "right"), ("threshold", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    closest = sorted(result.measures, key=lambda measure: -measure.threshold_ratio)
    for measure in closest[:MAX_MEASURES_SHOWN]:
        table.add_row(
            escape(measure.name),
            f"{measure.value:.4g}",
            f"{measure.threshold:.4g}",
            "[red]breached[/]" if measure.breached else "",
        )
    if len(closest) > MAX_MEASURES_SHOWN:
        table.add_row(f"and {len(closest) - MAX_MEASURES_SHOWN} more, farther from their thresholds", "", "", "")
    return table
