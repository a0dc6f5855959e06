"""The simulation's result: AUC by month of the served releases and of a model that was never retrained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flightline.config.settings import Config
from flightline.reporting.html.render import render_simulation
from flightline.utils.files import atomic_write
from scripts.simulation.simulation import Month

TIMELINE_HTML = "timeline.html"


def write_timeline(config: Config, months: Sequence[Month], first: str) -> Path:
    """Write the page; returns its path."""
    page = config.workspace / TIMELINE_HTML
    series = {
        "served": [month.auc for month in months],
        "never retrained": [month.baseline_auc for month in months],
    }
    atomic_write(
        page,
        render_simulation(
            pipeline=config.name,
            months=months,
            places=[month.name for month in months],
            series=series,
            first=first,
            gain=mean_auc_gain(months),
            rows=sum(month.answered_rows for month in months),
        ),
    )
    return page


def mean_auc_gain(months: Sequence[Month]) -> float | None:
    """How much the mean AUC of the served releases exceeds the baseline's; None where no month has both."""
    pairs = [(m.auc, m.baseline_auc) for m in months if m.auc is not None and m.baseline_auc is not None]
    return sum(a - b for a, b in pairs) / len(pairs) if pairs else None


def show_timeline(console: Console, months: Sequence[Month], page: Path, seconds: float) -> None:
    """Print the timeline."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column, justify in (
        ("month", "left"),
        ("rows", "right"),
        ("served release", "left"),
        ("AUC", "right"),
        ("never retrained", "right"),
        ("alerts", "right"),
        ("actions", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for month in months:
        table.add_row(
            month.name,
            f"{month.answered_rows:,}",
            month.served_release,
            *("" if value is None else f"{value:.4f}" for value in (month.auc, month.baseline_auc)),
            str(len(month.alerts)),
            describe_actions(month),
        )
    console.print(table)
    better = mean_auc_gain(months)
    if better is not None:
        console.print(f"[bold]Mean AUC[/]  {better:+.4f} over the model that was never retrained")
    console.print(f"[bold]Timeline[/]  {page}, in {seconds / 60:.1f} minutes", soft_wrap=True)


def describe_actions(month: Month) -> str:
    """What was done after a month."""
    done = []
    if month.new_release:
        done.append(f"released {month.new_release}")
    elif month.retrained:
        done.append("retrained: not released")
    if month.rolled_back_to:
        done.append(f"rolled back to {month.rolled_back_to}")
    return ", ".join(done)
