"""What the terminal shows of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flightline.executors.window_monitor.measures import MonitoringResult
from flightline.monitoring.alerts import Alert, Event, firing_alerts
from flightline.utils.terminal import escape

MAX_MEASURES_SHOWN = 8  # measures, the nearest to their thresholds


def print_window(
    console: Console, monitored: MonitoringResult, alerts: Mapping[str, Alert], events: Sequence[Event], page: Path
) -> None:
    """The window, its requests, the measures nearest to their thresholds, alerts."""
    window = monitored.window
    since, until = (f"{datetime.fromtimestamp(at / 1e6):%Y-%m-%d %H:%M:%S}" for at in (window.since, window.until))
    console.print(f"[bold]Window[/]    {since} to {until}")
    outcomes = " + ".join(f"{outcome} {count:,}" for outcome, count in window.requests.items())
    console.print(f"[bold]Requests[/]  {window.asked:,} = {outcomes}")
    labelled = sum(window.labelled.get("served", {}).values())
    unmatched_labels = f", {window.unmatched_labels:,} labels match no answer" if window.unmatched_labels else ""
    lost = f", {window.lost:,} lost" if window.lost else ""
    console.print(
        f"[bold]Rows[/]      answered {window.answered:,}{lost}; labels came back for {labelled:,}{unmatched_labels}"
    )
    for version, values in monitored.metrics.get("served", {}).items():
        measured = ", ".join(f"{name} {value:.4f}" for name, value in values.items() if "count" not in name)
        console.print(f"[bold]Served[/]    {escape(version)}: {measured}", soft_wrap=True)
    console.print(_measures_table(monitored))
    for event in events:
        colour = "green" if event.what == "cleared" else "red" if event.alert.severity == "critical" else "yellow"
        console.print(
            f"[{colour}]{event.what}[/] {event.alert.severity} [bold]{escape(event.alert.name)}[/]: "
            f"{escape(event.alert.sentence)}",
            soft_wrap=True,
        )
    raised = firing_alerts(alerts)
    console.print(f"[bold]Alerts[/]    {', '.join(escape(a.name) for a in raised) if raised else 'none is raised'}")
    console.print(f"[bold]Report[/]    {escape(str(page))}", soft_wrap=True)


def _measures_table(monitored: MonitoringResult) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column, justify in (("measure", "left"), ("value", "right"), ("threshold", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    nearest = sorted(monitored.measures, key=lambda one: -one.threshold_ratio)
    for one in nearest[:MAX_MEASURES_SHOWN]:
        table.add_row(
            escape(one.name), f"{one.value:.4g}", f"{one.threshold:.4g}", "[red]beyond[/]" if one.breached else ""
        )
    if len(nearest) > MAX_MEASURES_SHOWN:
        table.add_row(f"and {len(nearest) - MAX_MEASURES_SHOWN} farther from theirs", "", "", "")
    return table
