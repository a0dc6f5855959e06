"""`--all-new`: takes in every span that has not been dealt with, in order, each in a run of its own."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.config import Config
from pipeline.config_file import load_config
from pipeline.engines.arguments import RunnerName
from pipeline.errors import DONE, DataBlocked, FlightlineError, NotBlessed, UsageError, print_last_line
from pipeline.launch import SCREEN, Ended, Request, carry_out
from pipeline.screen import PLAIN_WIDTH
from pipeline.shown import escape
from pipeline.spans import new_spans, spans_on_disk
from pipeline.summary import SUMMARY, Summary
from pipeline.verdict import OVERALL

# Ends that leave the next span as good as before: data that were kept out, a model that was not released.
GOES_ON = (DONE, NotBlessed.exit_code, DataBlocked.exit_code)
AUC = "auc"
NUMBERS = ("rows", "auc", "champion")


@dataclass(frozen=True)
class TakenIn:
    """One span's run: its name, how it ended, what it came to, and how long it took."""

    name: str
    ended: Ended
    summary: Summary | None
    seconds: float


def take_all_new(request: Request, runner: RunnerName) -> int:
    """Runs a span at a time, a line each, then a table of all; returns the worst of their exit codes.

    A span that the gate blocks, or that yields no release, does not keep the later ones back; a run that fails does.
    """
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    try:
        config = load_config(request.config, request.overrides)
        if config.window is None:
            raise UsageError("--all-new takes spans one by one, and the config has no `window`", "add one")
        spans = new_spans(config)
        on_disk = spans_on_disk(config)
    except FlightlineError as error:
        print_last_line(sys.stderr, error)
        return error.exit_code
    name_of = config.data.spans.name_of
    if not spans:
        console.print(f"No new span: all {len(on_disk)} have been dealt with, the newest is {name_of(max(on_disk))}")
        return DONE
    done: list[TakenIn] = []
    for span in spans:
        done.append(_take(request, runner, span, name_of(span)))
        console.print(escape(line_of(done[-1])), soft_wrap=True)
        if done[-1].ended.code not in GOES_ON:
            break
    console.print()
    console.print(table_of(done))
    left = [name_of(span) for span in spans[len(done) :]]
    if left:
        console.print(f"not taken in after that: {', '.join(left)}", soft_wrap=True)
    _say_why(config, done)
    return worst(done)


def worst(done: list[TakenIn]) -> int:
    """The exit code of them all: a failure before blocked data, these before a model that was not released."""
    codes = {taken.ended.code for taken in done}
    failures = codes - set(GOES_ON)
    for code in (*sorted(failures, reverse=True), DataBlocked.exit_code, NotBlessed.exit_code):
        if code in codes:
            return code
    return DONE


def _take(request: Request, runner: RunnerName, span: int, name: str) -> TakenIn:
    started = time.monotonic()
    own = replace(request, overrides=(*request.overrides, f"data.span={span}"), aside=True)
    ended = carry_out(own, runner)
    summary = _summary(ended.folder) if ended.folder else None
    return TakenIn(summary.span.name if summary and summary.span else name, ended, summary, time.monotonic() - started)


def _summary(folder: Path) -> Summary | None:
    """What the run left; None where it was over before it came to that."""
    try:
        return Summary.from_dict(json.loads((folder / SUMMARY).read_text(encoding="utf-8")))
    except OSError:
        return None


def line_of(taken: TakenIn) -> str:
    """What a log keeps of one span."""
    summary = taken.summary
    parts = [f"span {taken.name}", f"{taken.seconds:.0f} s"]
    if summary and summary.rows:
        parts.append(f"{summary.rows.read:,} rows")
    parts.append(_came_to(taken))
    if taken.ended.folder:
        parts.append(f"run {taken.ended.folder.name}")
    return "; ".join(parts)


def _came_to(taken: TakenIn) -> str:
    summary = taken.summary
    if taken.ended.error is not None:
        return str(taken.ended.error)
    if summary is None:
        return "done"
    if summary.release:
        return f"released {Path(summary.release).name}"
    return summary.span.note if summary.span and summary.span.note else "done"


def table_of(done: list[TakenIn]) -> Table:
    """The spans side by side: rows, what the gate said, what the model was trained on and how it did, its release."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("span", "rows", "gate", "trained on", "auc", "champion", "release"):
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for taken in done:
        table.add_row(*map(escape, _cells(taken)))
    return table


def _cells(taken: TakenIn) -> list[str]:
    summary = taken.summary
    if summary is None:
        return [taken.name, "", "", "", "", "", _release(taken)]
    window = summary.span.window if summary.span else []
    on = f"{window[0]} to {window[-1]}" if len(window) > 1 else "".join(window)
    evaluation = summary.evaluation
    auc = [evaluation.metrics, evaluation.champion] if evaluation else [{}, {}]
    values = [models.get(OVERALL, {}).get(AUC) for models in auc]
    rows = f"{summary.rows.read:,}" if summary.rows else ""
    return [
        taken.name,
        rows,
        _gate(summary),
        on,
        *("" if value is None else f"{value:.4f}" for value in values),
        _release(taken),
    ]


def _gate(summary: Summary) -> str:
    """What the gate said: nothing where the run did not come to it."""
    blocking = [finding for finding in summary.findings if finding.blocks]
    if blocking:
        return f"blocked: {len(blocking)} finding{'s' * (len(blocking) > 1)}"
    if summary.steps.get("DataGate") not in ("COMPLETE", "CACHED"):
        return ""
    warnings = len(summary.findings)
    return f"passed, {warnings} warning{'s' * (warnings > 1)}" if warnings else "passed"


def _release(taken: TakenIn) -> str:
    if taken.summary and taken.summary.release:
        return Path(taken.summary.release).name
    words = {DONE: "taken in", DataBlocked.exit_code: "quarantined", NotBlessed.exit_code: "not blessed"}
    return words.get(taken.ended.code, "FAILED")


def _say_why(config: Config, done: list[TakenIn]) -> None:
    """The last line of a failure: the worst one's, and where its run left more."""
    code = worst(done)
    if code == DONE:
        return
    taken = next(one for one in done if one.ended.code == code)
    more = f"span {taken.name}: {taken.ended.error}"
    where = taken.ended.folder / SCREEN if taken.ended.folder else config.workspace
    sys.stderr.write(f"flightline: {' '.join(more.split())}; {where} has the run's screen\n")
    sys.stderr.flush()
