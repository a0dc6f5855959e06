"""The end of the story: AUC by month of what was served, beside a model that was never retrained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.config import Config
from pipeline.releases import write_whole
from pipeline.report.render import render_loop
from scripts.loop.story import Month

PAGE = "timeline.html"


def write_timeline(config: Config, months: Sequence[Month], first: str) -> Path:
    """Writes the page; returns it."""
    page = config.workspace / PAGE
    series = {
        "served": [month.auc for month in months],
        "never retrained": [month.never_retrained for month in months],
    }
    write_whole(
        page,
        render_loop(
            pipeline=config.name,
            months=months,
            places=[month.name for month in months],
            series=series,
            first=first,
            gain=gain(months),
            rows=sum(month.rows for month in months),
        ),
    )
    return page


def gain(months: Sequence[Month]) -> float | None:
    """By how much the mean AUC of what was served is better; None where it cannot be said."""
    pairs = [(m.auc, m.never_retrained) for m in months if m.auc is not None and m.never_retrained is not None]
    return sum(a - b for a, b in pairs) / len(pairs) if pairs else None


def show(console: Console, months: Sequence[Month], page: Path, seconds: float) -> None:
    """The timeline on the terminal."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column, justify in (
        ("month", "left"),
        ("rows", "right"),
        ("served by", "left"),
        ("AUC", "right"),
        ("never retrained", "right"),
        ("alerts", "right"),
        ("after it", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for month in months:
        table.add_row(
            month.name,
            f"{month.rows:,}",
            month.served,
            *("" if value is None else f"{value:.4f}" for value in (month.auc, month.never_retrained)),
            str(len(month.alerts)),
            after(month),
        )
    console.print(table)
    better = gain(months)
    if better is not None:
        console.print(f"[bold]Mean AUC[/]  {better:+.4f} against the model that was never retrained")
    console.print(f"[bold]Timeline[/]  {page}, in {seconds / 60:.1f} minutes", soft_wrap=True)


def after(month: Month) -> str:
    """What was done after a month."""
    done = []
    if month.new:
        done.append(f"released {month.new}")
    elif month.retrained:
        done.append("retrained: refused")
    if month.back:
        done.append(f"rolled back to {month.back}")
    return ", ".join(done)
