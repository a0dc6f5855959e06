"""What the user sees while a run goes on: a live table on a terminal, one line an event anywhere else."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from flightline.utils.terminal import escape

PLAIN_WIDTH = 120  # columns, where there is no terminal to ask
STATE_STYLES = {
    "ran": "green",
    "cached": "cyan",
    "failed": "bold red",
    "running": "yellow",
    "waiting": "dim",
}


@dataclass
class StepProgress:
    """One step's line: what is known of it so far."""

    state: str = "waiting"
    rows: int | None = None
    started: float = 0.0
    seconds: float | None = None
    reason: str = ""

    @property
    def elapsed(self) -> float | None:
        return time.monotonic() - self.started if self.state == "running" else self.seconds


@dataclass
class ProgressDisplay:
    """Shows the steps of a run as they happen.

    Args:
        console: where to.
        live: a table that redraws itself; otherwise one line an event.
    """

    console: Console
    live: bool
    lines: dict[str, StepProgress] = field(default_factory=dict)
    _live: Live | None = None
    _last_progress: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, nodes: Iterable[str]) -> None:
        """Lists the steps to come."""
        self.lines = {node: StepProgress() for node in nodes}
        if self.live:
            self._live = self._live_display(get_renderable=self._table)
            self._live.start()

    def status(self, text: str) -> contextlib.AbstractContextManager[object]:
        """Says that something takes a while, before there are steps."""
        if self.live:
            return self._live_display(Spinner("dots", text=text), transient=True)
        self._plain(text)
        return contextlib.nullcontext()

    def _live_display(self, *args: Any, **options: Any) -> Live:
        """Rich would take what libraries write to stdout and stderr for the screen; it is for the log."""
        return Live(
            *args,
            console=self.console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
            **options,
        )

    def started(self, node: str) -> None:
        self.lines[node] = StepProgress("running", started=time.monotonic())
        self._plain(f"{self._place(node)} {node}: running")

    def progress(self, node: str, rows: int) -> None:
        """Rows done so far by a step that runs; seen at most every few seconds on a plain screen."""
        line = self.lines.get(node)
        if line is None:
            return
        line.rows = rows
        with self._lock:
            due = time.monotonic() - max(self._last_progress, line.started) > 5
            if due:
                self._last_progress = time.monotonic()
        if due and line.elapsed:
            self._plain(f"{self._place(node)} {node}: {rows:,} rows, {rows / line.elapsed:,.0f} a second")

    def note(self, text: str) -> None:
        """A line that stays: above the table, or among the events."""
        self.console.print(escape(text), style="yellow", soft_wrap=True)

    def ended(self, node: str, state: str, rows: int | None, reason: str = "") -> None:
        """`state` is ran, cached or failed; `reason`, why so."""
        line = self.lines.setdefault(node, StepProgress(started=time.monotonic()))
        line.seconds, line.state = time.monotonic() - line.started, state
        line.rows = line.rows if rows is None else rows
        line.reason = reason
        counted = "" if line.rows is None else f", {line.rows:,} rows"
        because = f" ({reason})" if reason else ""
        self._plain(f"{self._place(node)} {node}: {state}{counted}, {line.seconds:.1f} s{because}")

    def close(self) -> None:
        """Leaves the table as it is; nothing moves any more."""
        for line in self.lines.values():
            if line.state == "running":
                line.seconds, line.state = line.elapsed, "failed"
        if self._live:
            self._live.stop()
            self._live = None

    def _place(self, node: str) -> str:
        nodes = list(self.lines)
        return f"[{nodes.index(node) + 1}/{len(nodes)}]"

    def _plain(self, text: str) -> None:
        if not self.live:
            self.console.print(escape(text), soft_wrap=True)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("step", min_width=18)
        table.add_column("state", min_width=10)
        table.add_column("rows", justify="right", min_width=10)
        table.add_column("seconds", justify="right", min_width=8)
        table.add_column("why", style="dim", no_wrap=True, overflow="ellipsis")
        for node, line in self.lines.items():
            style = STATE_STYLES[line.state]
            state = Spinner("dots", text="running", style=style) if line.state == "running" else line.state
            rows = "" if line.rows is None else f"{line.rows:,}"
            seconds = "" if line.elapsed is None else f"{line.elapsed:.1f}"
            table.add_row(
                node, state, rows, seconds, escape(line.reason), style=None if line.state == "running" else style
            )
        return table
