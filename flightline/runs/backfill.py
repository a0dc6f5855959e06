"""`--all-new`: takes in every span that has not been dealt with, in order, each in a run of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.engines.arguments import RunnerName
from flightline.errors import EXIT_OK, DataBlocked, FlightlineError, NotBlessed, UsageError, print_error
from flightline.metadata.evaluation import OVERALL
from flightline.reporting.progress_table import PLAIN_WIDTH
from flightline.reporting.summary import Summary
from flightline.runs.launch import SCREEN_FILE, RunRequest, RunResult, launch_run
from flightline.runs.state.span_plan import find_new_spans, spans_on_disk
from flightline.utils.terminal import escape

# Ends that leave the next span as good as before: data that were kept out, a model that was not released.
NON_FATAL_EXIT_CODES = (EXIT_OK, NotBlessed.exit_code, DataBlocked.exit_code)
AUC = "auc"
NUMERIC_COLUMNS = ("rows", "auc", "champion")


@dataclass(frozen=True)
class SpanRun:
    """One span's run: its name, how it ended, what it came to, and how long it took."""

    name: str
    ended: RunResult
    summary: Summary | None
    seconds: float


def run_new_spans(request: RunRequest, runner: RunnerName) -> int:
    """Runs a span at a time, a line each, then a table of all; returns the worst of their exit codes.

    A span that the gate blocks, or that yields no release, does not keep the later ones back; a run that fails does.
    """
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    try:
        config = load_config(request.config, request.overrides)
        if config.window is None:
            raise UsageError("--all-new takes spans one by one, and the config has no `window`", "add one")
        spans = find_new_spans(config)
        on_disk = spans_on_disk(config)
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code
    name_of = config.data.spans.name_of
    if not spans:
        console.print(f"No new span: all {len(on_disk)} have been dealt with, the newest is {name_of(max(on_disk))}")
        return EXIT_OK
    done: list[SpanRun] = []
    for span in spans:
        done.append(_run_span(request, runner, span, name_of(span)))
        console.print(escape(format_span_line(done[-1])), soft_wrap=True)
        if done[-1].ended.code not in NON_FATAL_EXIT_CODES:
            break
    console.print()
    console.print(span_table(done))
    left = [name_of(span) for span in spans[len(done) :]]
    if left:
        console.print(f"not taken in after that: {', '.join(left)}", soft_wrap=True)
    _print_failure(config, done)
    return worst_exit_code(done)


def worst_exit_code(done: list[SpanRun]) -> int:
    """The exit code of them all: a failure before blocked data, these before a model that was not released."""
    codes = {taken.ended.code for taken in done}
    failures = codes - set(NON_FATAL_EXIT_CODES)
    for code in (*sorted(failures, reverse=True), DataBlocked.exit_code, NotBlessed.exit_code):
        if code in codes:
            return code
    return EXIT_OK


def _run_span(request: RunRequest, runner: RunnerName, span: int, name: str) -> SpanRun:
    started = time.monotonic()
    own = replace(request, overrides=(*request.overrides, f"data.span={span}"), aside=True)
    ended = launch_run(own, runner)
    summary = Summary.read(ended.folder) if ended.folder else None
    return SpanRun(summary.span.name if summary and summary.span else name, ended, summary, time.monotonic() - started)


def format_span_line(taken: SpanRun) -> str:
    """What a log keeps of one span."""
    summary = taken.summary
    parts = [f"span {taken.name}", f"{taken.seconds:.0f} s"]
    if summary and summary.rows:
        parts.append(f"{summary.rows.read:,} rows")
    parts.append(_describe_outcome(taken))
    if taken.ended.folder:
        parts.append(f"run {taken.ended.folder.name}")
    return "; ".join(parts)


def _describe_outcome(taken: SpanRun) -> str:
    summary = taken.summary
    if taken.ended.error is not None:
        return str(taken.ended.error)
    if summary is None:
        return "done"
    if summary.release:
        return f"released {Path(summary.release).name}"
    return summary.span.note if summary.span and summary.span.note else "done"


def span_table(done: list[SpanRun]) -> Table:
    """The spans side by side: rows, what the gate said, what the model was trained on and how it did, its release."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("span", "rows", "gate", "trained on", "auc", "champion", "release"):
        table.add_column(column, justify="right" if column in NUMERIC_COLUMNS else "left")
    for taken in done:
        table.add_row(*map(escape, _table_cells(taken)))
    return table


def _table_cells(taken: SpanRun) -> list[str]:
    summary = taken.summary
    if summary is None:
        return [taken.name, "", "", "", "", "", _describe_release(taken)]
    window = summary.span.window if summary.span else []
    on = f"{window[0]} to {window[-1]}" if len(window) > 1 else "".join(window)
    evaluation = summary.evaluation
    auc = [evaluation.metrics, evaluation.champion] if evaluation else [{}, {}]
    values = [models.get(OVERALL, {}).get(AUC) for models in auc]
    rows = f"{summary.rows.read:,}" if summary.rows else ""
    return [
        taken.name,
        rows,
        _describe_gate(summary),
        on,
        *("" if value is None else f"{value:.4f}" for value in values),
        _describe_release(taken),
    ]


def _describe_gate(summary: Summary) -> str:
    """What the gate said: nothing where the run did not come to it."""
    blocking = [finding for finding in summary.findings if finding.blocks]
    if blocking:
        return f"blocked: {len(blocking)} finding{'s' * (len(blocking) > 1)}"
    if summary.steps.get("DataGate") not in ("COMPLETE", "CACHED"):
        return ""
    warnings = len(summary.findings)
    return f"passed, {warnings} warning{'s' * (warnings > 1)}" if warnings else "passed"


def _describe_release(taken: SpanRun) -> str:
    if taken.summary and taken.summary.release:
        return Path(taken.summary.release).name
    words = {EXIT_OK: "taken in", DataBlocked.exit_code: "quarantined", NotBlessed.exit_code: "not blessed"}
    return words.get(taken.ended.code, "FAILED")


def _print_failure(config: Config, done: list[SpanRun]) -> None:
    """The last line of a failure: the worst one's, and where its run left more."""
    code = worst_exit_code(done)
    if code == EXIT_OK:
        return
    taken = next(one for one in done if one.ended.code == code)
    more = f"span {taken.name}: {taken.ended.error}"
    where = taken.ended.folder / SCREEN_FILE if taken.ended.folder else config.workspace
    sys.stderr.write(f"flightline: {' '.join(more.split())}; {where} has the run's screen\n")
    sys.stderr.flush()
