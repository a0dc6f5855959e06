"""The progress of a run on the screen: a live table on a terminal, one line per event anywhere else."""

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

PLAIN_WIDTH = 120  # characters per line, where there is no terminal
STATE_STYLES = {
    "ran": "green",
    "cached": "cyan",
    "failed": "bold red",
    "running": "yellow",
    "waiting": "dim",
}


@dataclass
class StepProgress:
    """The progress of one step; its times are seconds."""

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
        console: where to print.
        live: whether to show a table that redraws itself, instead of one line per event.
    """

    console: Console
    live: bool
    steps: dict[str, StepProgress] = field(default_factory=dict)
    _live: Live | None = None
    _last_progress: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, nodes: Iterable[str]) -> None:
        """Lists the steps of the run."""
        self.steps = {node: StepProgress() for node in nodes}
        if self.live:
            self._live = self._live_display(get_renderable=self._table)
            self._live.start()

    def status(self, text: str) -> contextlib.AbstractContextManager[object]:
        """Shows a text while something takes long, before the steps are known."""
        if self.live:
            return self._live_display(Spinner("dots", text=text), transient=True)
        self._print_plain(text)
        return contextlib.nullcontext()

    def _live_display(self, *args: Any, **options: Any) -> Live:
        """Without Rich's redirection: the output of libraries belongs in the log, not on the screen."""
        return Live(
            *args,
            console=self.console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
            **options,
        )

    def step_started(self, node: str) -> None:
        """Shows that a step is running."""
        self.steps[node] = StepProgress("running", started=time.monotonic())
        self._print_plain(f"{self._step_position(node)} {node}: running")

    def progress(self, node: str, rows: int) -> None:
        """Shows how many rows a running step has processed; on a plain screen every five seconds at most."""
        step = self.steps.get(node)
        if step is None:
            return
        step.rows = rows
        with self._lock:
            due = time.monotonic() - max(self._last_progress, step.started) > 5
            if due:
                self._last_progress = time.monotonic()
        if due and step.elapsed:
            self._print_plain(
                f"{self._step_position(node)} {node}: {rows:,} rows, {rows / step.elapsed:,.0f} per second"
            )

    def note(self, text: str) -> None:
        """Prints a line that stays on the screen, above the live table."""
        self.console.print(escape(text), style="yellow", soft_wrap=True)

    def step_ended(self, node: str, state: str, rows: int | None, reason: str = "") -> None:
        """Shows how a step ended: `state` is ran, cached or failed, `reason` says why."""
        step = self.steps.setdefault(node, StepProgress(started=time.monotonic()))
        step.seconds, step.state = time.monotonic() - step.started, state
        step.rows = step.rows if rows is None else rows
        step.reason = reason
        count = "" if step.rows is None else f", {step.rows:,} rows"
        reason_text = f" ({reason})" if reason else ""
        self._print_plain(f"{self._step_position(node)} {node}: {state}{count}, {step.seconds:.1f} s{reason_text}")

    def close(self) -> None:
        """Stops the live table; a step that is still running has failed."""
        for step in self.steps.values():
            if step.state == "running":
                step.seconds, step.state = step.elapsed, "failed"
        if self._live:
            self._live.stop()
            self._live = None

    def _step_position(self, node: str) -> str:
        nodes = list(self.steps)
        return f"[{nodes.index(node) + 1}/{len(nodes)}]"

    def _print_plain(self, text: str) -> None:
        if not self.live:
            self.console.print(escape(text), soft_wrap=True)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("step", min_width=18)
        table.add_column("state", min_width=10)
        table.add_column("rows", justify="right", min_width=10)
        table.add_column("seconds", justify="right", min_width=8)
        table.add_column("why", style="dim", no_wrap=True, overflow="ellipsis")
        for node, step in self.steps.items():
            style = STATE_STYLES[step.state]
            state = Spinner("dots", text="running", style=style) if step.state == "running" else step.state
            rows = "" if step.rows is None else f"{step.rows:,}"
            seconds = "" if step.elapsed is None else f"{step.elapsed:.1f}"
            table.add_row(
                node, state, rows, seconds, escape(step.reason), style=None if step.state == "running" else style
            )
        return table
