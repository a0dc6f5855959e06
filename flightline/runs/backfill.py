"""`--all-new`: process every new span in order, one run each."""

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
from flightline.runs.launch import launch_run
from flightline.runs.request import RunRequest
from flightline.runs.run_loop import SCREEN_FILE, RunResult
from flightline.runs.state.span_plan import find_new_spans, spans_on_disk
from flightline.utils.terminal import escape

# After these the next span is processed: the gate blocked the data, or the model was not released.
NON_FATAL_EXIT_CODES = (EXIT_OK, NotBlessed.exit_code, DataBlocked.exit_code)
AUC = "auc"
NUMERIC_COLUMNS = ("rows", "auc", "champion")


@dataclass(frozen=True)
class SpanRun:
    """The run of one span: the span's name, the result, the summary if it wrote one, and its duration."""

    name: str
    result: RunResult
    summary: Summary | None
    seconds: float


def run_new_spans(request: RunRequest, runner: RunnerName) -> int:
    """Run one span after the other, print a line for each and a table at the end; return the worst exit code.

    A span that the gate blocks, or that leads to no release, does not stop the next one; a run that fails does.
    """
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    try:
        config = load_config(request.config, request.overrides)
        if config.window is None:
            raise UsageError("--all-new needs spans, and the config has no `window`", "add a `window` section")
        spans = find_new_spans(config)
        on_disk = spans_on_disk(config)
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code
    name_of = config.data.spans.name_of
    if not spans:
        console.print(f"No new span: all {len(on_disk)} are processed, the newest is {name_of(max(on_disk))}")
        return EXIT_OK
    finished_runs: list[SpanRun] = []
    for span in spans:
        finished_runs.append(_run_span(request, runner, span, name_of(span)))
        console.print(escape(format_span_line(finished_runs[-1])), soft_wrap=True)
        if finished_runs[-1].result.code not in NON_FATAL_EXIT_CODES:
            break
    console.print()
    console.print(span_table(finished_runs))
    remaining = [name_of(span) for span in spans[len(finished_runs) :]]
    if remaining:
        console.print(f"not ingested after that: {', '.join(remaining)}", soft_wrap=True)
    _print_failure(config, finished_runs)
    return worst_exit_code(finished_runs)


def worst_exit_code(finished_runs: list[SpanRun]) -> int:
    """Return the worst exit code: a failure, else blocked data, else a model that was not released."""
    codes = {span_run.result.code for span_run in finished_runs}
    failures = codes - set(NON_FATAL_EXIT_CODES)
    for code in (*sorted(failures, reverse=True), DataBlocked.exit_code, NotBlessed.exit_code):
        if code in codes:
            return code
    return EXIT_OK


def _run_span(request: RunRequest, runner: RunnerName, span: int, name: str) -> SpanRun:
    started = time.monotonic()
    span_request = replace(request, overrides=(*request.overrides, f"data.span={span}"), quiet=True)
    result = launch_run(span_request, runner)
    summary = Summary.read(result.folder) if result.folder else None
    return SpanRun(summary.span.name if summary and summary.span else name, result, summary, time.monotonic() - started)


def format_span_line(span_run: SpanRun) -> str:
    """Return the line for one span."""
    summary = span_run.summary
    parts = [f"span {span_run.name}", f"{span_run.seconds:.0f} s"]
    if summary and summary.rows:
        parts.append(f"{summary.rows.read:,} rows")
    parts.append(_describe_outcome(span_run))
    if span_run.result.folder:
        parts.append(f"run {span_run.result.folder.name}")
    return "; ".join(parts)


def _describe_outcome(span_run: SpanRun) -> str:
    summary = span_run.summary
    if span_run.result.error is not None:
        return str(span_run.result.error)
    if summary is None:
        return "done"
    if summary.release:
        return f"released {Path(summary.release).name}"
    return summary.span.note if summary.span and summary.span.note else "done"


def span_table(finished_runs: list[SpanRun]) -> Table:
    """Return a table with a row per span: rows, gate, training spans, AUC of candidate and champion, release."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("span", "rows", "gate", "trained on", "auc", "champion", "release"):
        table.add_column(column, justify="right" if column in NUMERIC_COLUMNS else "left")
    for span_run in finished_runs:
        table.add_row(*map(escape, _table_cells(span_run)))
    return table


def _table_cells(span_run: SpanRun) -> list[str]:
    summary = span_run.summary
    if summary is None:
        return [span_run.name, "", "", "", "", "", _describe_release(span_run)]
    window = summary.span.window if summary.span else []
    training_spans = f"{window[0]} to {window[-1]}" if len(window) > 1 else "".join(window)
    evaluation = summary.evaluation
    auc = [evaluation.metrics, evaluation.champion] if evaluation else [{}, {}]
    values = [models.get(OVERALL, {}).get(AUC) for models in auc]
    rows = f"{summary.rows.read:,}" if summary.rows else ""
    return [
        span_run.name,
        rows,
        _describe_gate(summary),
        training_spans,
        *("" if value is None else f"{value:.4f}" for value in values),
        _describe_release(span_run),
    ]


def _describe_gate(summary: Summary) -> str:
    """Return the gate's verdict; empty if the run ended before the gate."""
    blocking = [finding for finding in summary.findings if finding.blocks]
    if blocking:
        return f"blocked: {len(blocking)} finding{'s' * (len(blocking) > 1)}"
    if summary.steps.get("DataGate") not in ("COMPLETE", "CACHED"):
        return ""
    warnings = len(summary.findings)
    return f"passed, {warnings} warning{'s' * (warnings > 1)}" if warnings else "passed"


def _describe_release(span_run: SpanRun) -> str:
    if span_run.summary and span_run.summary.release:
        return Path(span_run.summary.release).name
    words = {EXIT_OK: "ingested", DataBlocked.exit_code: "quarantined", NotBlessed.exit_code: "not blessed"}
    return words.get(span_run.result.code, "FAILED")


def _print_failure(config: Config, finished_runs: list[SpanRun]) -> None:
    """Print the last line of a failure: the worst one's error, and the file with that run's screen."""
    code = worst_exit_code(finished_runs)
    if code == EXIT_OK:
        return
    span_run = next(span_run for span_run in finished_runs if span_run.result.code == code)
    message = f"span {span_run.name}: {span_run.result.error}"
    screen_location = span_run.result.folder / SCREEN_FILE if span_run.result.folder else config.workspace
    sys.stderr.write(f"flightline: {' '.join(message.split())}; {screen_location} has the run's screen\n")
    sys.stderr.flush()
