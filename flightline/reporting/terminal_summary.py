"""The summary as a person reads it: rows, metrics with the worst slice, the verdict, and what to type next."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flightline.config.modeling import TrainSettings
from flightline.errors import DataBlocked, NotBlessed, UsageError
from flightline.executors.data_gate.findings import FeatureDrift, Finding
from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import SpanSummary, Summary
from flightline.utils.terminal import escape

MIN_SLICE_SHARE, MIN_SLICE_ROWS = 0.002, 50  # a smaller slice says more about chance than about the model
COUNT_METRICS = {"example_count", "weighted_example_count"}
MAX_FINDINGS_SHOWN, MAX_MISSES_SHOWN, MAX_DRIFTS_SHOWN = 20, 10, 3


def show_summary(console: Console, summary: Summary) -> None:
    """Prints what the run came to."""
    console.print()
    if summary.span:
        show_span(console, summary.span)
    if summary.rows:
        show_rows(console, summary.rows, summary.rejected_file)
    if summary.drift:
        show_drift(console, summary.drift)
    if summary.findings:
        show_findings(console, summary.findings)
    if summary.search:
        console.print(f"[bold]Search[/]   {escape(summary.search.description)}", soft_wrap=True)
    if summary.evaluation:
        show_metrics(console, summary.evaluation, f"rows of span {summary.span.name}" if summary.span else "eval rows")
        show_verdict(console, summary.evaluation)
    if summary.exit_code == NotBlessed.exit_code and summary.evaluation and summary.evaluation.blessed:
        console.print(f"[bold]Release[/]  [bold red]NONE[/]: {escape(summary.failure)}", soft_wrap=True)
    if summary.release:
        console.print(f"[bold]Release[/]  {escape(relative_path(Path(summary.release)))}", soft_wrap=True)


def show_span(console: Console, span: SpanSummary) -> None:
    console.print(f"[bold]Span[/]     {escape(span.name)}")
    if span.window:
        console.print(
            f"         trained on {len(span.window)} before it: {escape(', '.join(span.window))}", soft_wrap=True
        )
    if span.note:
        console.print(f"         {escape(span.note)}", soft_wrap=True)


def show_drift(console: Console, drift: Sequence[FeatureDrift]) -> None:
    nearest = ", ".join(f"{one.feature} {one.distance:.3f} of {one.threshold:g}" for one in drift[:MAX_DRIFTS_SHOWN])
    more = f" ({len(drift)} compared)" if len(drift) > MAX_DRIFTS_SHOWN else ""
    console.print(f"[bold]Drift[/]    nearest to their thresholds: {escape(nearest)}{more}", soft_wrap=True)


def show_rows(console: Console, rows: RowAccounting, rejected_file: str | None) -> None:
    used = " + ".join(f"{name} {count:,}" for name, count in rows.splits.items())
    rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in rows.rejected.items())
    balance = "" if rows.balanced else "  [bold red]these do not add up[/]"
    console.print(f"[bold]Rows[/]     read {rows.read:,} = {used}{rejected}{balance}")
    if rejected_file:
        console.print(
            f"         rows set aside: {escape(relative_path(Path(rejected_file)))}", soft_wrap=True, highlight=False
        )


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    table = Table(title="What the data gate found", title_justify="left", title_style="bold red", box=None)
    table.add_column("feature")
    table.add_column("what is wrong", overflow="fold")
    table.add_column("rows", justify="right")
    for finding in findings[:MAX_FINDINGS_SHOWN]:
        note = "" if finding.blocks else " (overridden)" if finding.overridden else " (warning)"
        table.add_row(escape(finding.feature), escape(finding.problem) + note, f"{finding.rows:,}")
    console.print(table)
    if len(findings) > MAX_FINDINGS_SHOWN:
        console.print(f"… and {len(findings) - MAX_FINDINGS_SHOWN} more in summary.json")


def show_metrics(console: Console, evaluation: Evaluation, rows_of: str = "eval rows") -> None:
    """Prints each metric on all rows, `rows_of` saying which these are, and on its worst slice."""
    overall = evaluation.metrics.get(OVERALL, {})
    champion = evaluation.champion.get(OVERALL, {})
    rows = overall.get("example_count", 0)
    least = max(MIN_SLICE_ROWS, round(MIN_SLICE_SHARE * rows))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("metric", min_width=20)
    table.add_column(f"all {rows:,.0f} {rows_of}", justify="right")
    if champion:
        table.add_column("champion", justify="right")
    if evaluation.bounds:
        table.add_column("must be", justify="right")
    table.add_column("worst slice", justify="right")
    table.add_column("")
    for name in sorted(set(overall) - COUNT_METRICS):
        worst = evaluation.worst_slice(name, min_slice_size=least)
        compared = [f"{champion[name]:.4f}" if name in champion else ""] if champion else []
        compared += [evaluation.bounds.get(name, "")] if evaluation.bounds else []
        slice_name, value = (worst[0], f"{worst[1]:.4f}") if worst else ("", "")
        table.add_row(name, f"{overall[name]:.4f}", *compared, value, escape(slice_name))
    console.print(table)
    if slices := len(evaluation.metrics) - 1:
        console.print(f"[dim]{slices} slices; the worst of those with at least {least:,} rows[/]")


def show_verdict(console: Console, evaluation: Evaluation) -> None:
    if evaluation.blessed:
        console.print(f"[bold]Verdict[/]  [bold green]BLESSED[/] against {escape(evaluation.against)}", soft_wrap=True)
    else:
        console.print("[bold]Verdict[/]  [bold red]NOT BLESSED[/]")
    if evaluation.differences:
        words = "; ".join(difference.description for difference in evaluation.differences)
        console.print(f"         against the champion: {words}", soft_wrap=True)
    if evaluation.champion_load_error and not evaluation.blessed:
        console.print(
            f"         the champion could not be loaded: {escape(evaluation.champion_load_error)}", soft_wrap=True
        )
    for gap in evaluation.gaps if evaluation.blessed else []:
        console.print(f"         {escape(gap.description)}, may be {gap.at_most:.4g}", soft_wrap=True)
    if evaluation.blessed:
        return
    for miss in evaluation.misses[:MAX_MISSES_SHOWN]:
        console.print(f"         {escape(miss.sentence)}", soft_wrap=True)
    if len(evaluation.misses) > MAX_MISSES_SHOWN:
        console.print(f"         … and {len(evaluation.misses) - MAX_MISSES_SHOWN} more in summary.json")
    for name in evaluation.slices_without_rows:
        console.print(f"         no row belongs to the slice {escape(name)}, which has a threshold")


def show_next_commands(
    console: Console, summary: Summary, folder: Path, train: TrainSettings, config: Path | None = None
) -> None:
    """Prints what to type next; `folder` is the run's own, `config` is named where it is not the default one."""
    console.print("[bold]Next[/]")
    for command, why in next_commands(summary, folder, train, config):
        console.print(f"  {escape(command):<58} [dim]{why}[/]", soft_wrap=True)


def next_commands(summary: Summary, folder: Path, train: TrainSettings, config: Path | None) -> list[tuple[str, str]]:
    """The report, and two or three commands that make sense after this run, and what each is for."""
    programs = Path(sys.prefix) / "bin"
    flightline = "flightline" if shutil.which("flightline") else relative_path(programs / "flightline")
    named = f" --config {relative_path(config)}" if config else ""
    again = f"{relative_path(programs / 'python')} runner_local.py{named}" if config else "make run"
    twice = _train_longer_options(train, summary.rows)
    longer = f"{again} {twice}" if config else f"make run ARGS='{twice}'"
    report = (
        [(relative_path(folder / REPORT_HTML), "the report, for a browser")] if (folder / REPORT_HTML).is_file() else []
    )
    show_run = (f"{flightline} show {summary.run_id}{named}", "this summary again, every slice, every step")
    log = (f"less {relative_path(folder / 'log.txt')}", "what TensorFlow, Beam and TFX had to say")
    if summary.exit_code == DataBlocked.exit_code:
        rejected = summary.rejected_file
        return [
            *report,
            show_run,
            (f"less {relative_path(Path(rejected))}", "the rows that were set aside") if rejected else log,
        ]
    if summary.exit_code == NotBlessed.exit_code:
        fell_short = summary.evaluation is not None and not summary.evaluation.blessed
        return [*report, show_run, (longer, "train longer") if fell_short else log]
    if summary.exit_code:
        resume = f"{again} --resume" if config else "make run ARGS=--resume"
        go_on = [(resume, "go on from the steps that were finished")]
        return [*report, log, *([] if summary.exit_code == UsageError.exit_code else go_on)]
    return [
        *report,
        show_run,
        (f"{flightline} releases{named}", "what can be served, and which is current"),
        (longer, "change something; what it leaves alone is cached"),
    ]


def _train_longer_options(train: TrainSettings, rows: RowAccounting | None) -> str:
    """The options that double the passes over the rows: the least number of steps too where it may decide on them."""
    epochs = f"--set train.epochs={2 * train.epochs}"
    steps = (
        (rows.splits.get("train", 0) if rows else 0) // train.batch_size * train.epochs
    )  # at least, but for rounding
    return epochs if steps > train.min_steps else f"{epochs} --set train.min_steps={2 * train.min_steps}"


def relative_path(path: Path) -> str:
    """The path as a user would type it."""
    text = os.path.relpath(path)
    return str(path) if text.startswith("..") else text
