"""Prints a run's summary: rows, metrics with the worst slice, the verdict, and the next commands."""

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
from flightline.metadata.evaluation import COUNT_METRICS, OVERALL, Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.releases.release import find_pushed_damage
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import SpanSummary, Summary
from flightline.utils.terminal import escape

MAX_FINDINGS_SHOWN, MAX_MISSES_SHOWN, MAX_DRIFTS_SHOWN = 20, 10, 3


def show_summary(console: Console, summary: Summary) -> None:
    """Prints the result of a run."""
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
        console.print(f"[bold]Tuning[/]   {escape(summary.search.description)}", soft_wrap=True)
    if summary.evaluation:
        show_metrics(console, summary.evaluation, f"rows of span {summary.span.name}" if summary.span else "eval rows")
        show_verdict(console, summary.evaluation)
    if summary.exit_code == NotBlessed.exit_code and summary.evaluation and summary.evaluation.blessed:
        console.print(f"[bold]Release[/]  [bold red]NONE[/]: {escape(summary.failure)}", soft_wrap=True)
    if summary.release:
        damage = find_pushed_damage(Path(summary.release))
        state = f"  [bold red]DAMAGED[/]: {escape(damage[0])}" if damage else ""
        console.print(f"[bold]Release[/]  {escape(relative_path(Path(summary.release)))}{state}", soft_wrap=True)


def show_span(console: Console, span: SpanSummary) -> None:
    console.print(f"[bold]Span[/]     {escape(span.name)}")
    if span.window:
        console.print(
            f"         trained on the {len(span.window)} spans before it: {escape(', '.join(span.window))}",
            soft_wrap=True,
        )
    if span.note:
        console.print(f"         {escape(span.note)}", soft_wrap=True)


def show_drift(console: Console, drift: Sequence[FeatureDrift]) -> None:
    closest = ", ".join(f"{d.feature} {d.distance:.3f} of {d.threshold:g}" for d in drift[:MAX_DRIFTS_SHOWN])
    more = f" ({len(drift)} compared)" if len(drift) > MAX_DRIFTS_SHOWN else ""
    console.print(f"[bold]Drift[/]    closest to their thresholds: {escape(closest)}{more}", soft_wrap=True)


def show_rows(console: Console, rows: RowAccounting, rejected_file: str | None) -> None:
    used = " + ".join(f"{name} {count:,}" for name, count in rows.splits.items())
    rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in rows.rejected.items())
    balance = "" if rows.balanced else "  [bold red]not balanced: the counts do not add up[/]"
    console.print(f"[bold]Rows[/]     read {rows.read:,} = {used}{rejected}{balance}")
    if rejected_file:
        console.print(
            f"         rejected rows: {escape(relative_path(Path(rejected_file)))}", soft_wrap=True, highlight=False
        )


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    table = Table(title="Data gate findings", title_justify="left", title_style="bold red", box=None)
    table.add_column("feature")
    table.add_column("problem", overflow="fold")
    table.add_column("rows", justify="right")
    for finding in findings[:MAX_FINDINGS_SHOWN]:
        note = "" if finding.blocks else " (overridden)" if finding.overridden else " (warning)"
        table.add_row(escape(finding.feature), escape(finding.problem) + note, f"{finding.rows:,}")
    console.print(table)
    if len(findings) > MAX_FINDINGS_SHOWN:
        console.print(f"… and {len(findings) - MAX_FINDINGS_SHOWN} more in summary.json")


def show_metrics(console: Console, evaluation: Evaluation, rows_label: str = "eval rows") -> None:
    """Prints each metric on all rows and on its worst slice; `rows_label` names the rows in the heading."""
    overall = evaluation.metrics.get(OVERALL, {})
    champion = evaluation.champion.get(OVERALL, {})
    rows = overall.get("example_count", 0)
    min_rows = evaluation.min_slice_rows
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("metric", min_width=20)
    table.add_column(f"all {rows:,.0f} {rows_label}", justify="right")
    if champion:
        table.add_column("champion", justify="right")
    if evaluation.bounds:
        table.add_column("threshold", justify="right")
    table.add_column("worst slice", justify="right")
    table.add_column("")
    for name in sorted(set(overall) - COUNT_METRICS):
        worst = evaluation.worst_slice(name, min_slice_size=min_rows)
        compared = [f"{champion[name]:.4f}" if name in champion else ""] if champion else []
        compared += [evaluation.bounds.get(name, "")] if evaluation.bounds else []
        slice_name, value = (worst[0], f"{worst[1]:.4f}") if worst else ("", "")
        table.add_row(name, f"{overall[name]:.4f}", *compared, value, escape(slice_name))
    console.print(table)
    if slices := len(evaluation.metrics) - 1:
        console.print(f"[dim]{slices} slices; the worst slice is chosen among those with at least {min_rows:,} rows[/]")


def show_verdict(console: Console, evaluation: Evaluation) -> None:
    if evaluation.blessed:
        console.print(
            f"[bold]Verdict[/]  [bold green]BLESSED[/], compared with {escape(evaluation.compared_with)}",
            soft_wrap=True,
        )
    else:
        console.print("[bold]Verdict[/]  [bold red]NOT BLESSED[/]")
    if evaluation.differences:
        differences = "; ".join(difference.description for difference in evaluation.differences)
        console.print(f"         difference to the champion: {differences}", soft_wrap=True)
    if evaluation.champion_load_error and not evaluation.blessed:
        console.print(
            f"         the champion could not be loaded: {escape(evaluation.champion_load_error)}", soft_wrap=True
        )
    for gap in evaluation.gaps if evaluation.blessed else []:
        console.print(f"         {escape(gap.description)}, limit {gap.max_gap:.4g}", soft_wrap=True)
    if evaluation.blessed:
        return
    for miss in evaluation.missed_thresholds[:MAX_MISSES_SHOWN]:
        console.print(f"         {escape(miss.sentence)}", soft_wrap=True)
    if len(evaluation.missed_thresholds) > MAX_MISSES_SHOWN:
        console.print(f"         … and {len(evaluation.missed_thresholds) - MAX_MISSES_SHOWN} more in summary.json")
    for name in evaluation.slices_without_rows:
        console.print(f"         the slice {escape(name)} has a threshold and no rows")


def show_next_commands(
    console: Console, summary: Summary, folder: Path, train: TrainSettings, config: Path | None = None
) -> None:
    """Prints the next commands; `folder` is the run's, `config` is None for the default config."""
    console.print("[bold]Next[/]")
    for command, why in next_commands(summary, folder, train, config):
        console.print(f"  {escape(command):<58} [dim]{why}[/]", soft_wrap=True)


def next_commands(summary: Summary, folder: Path, train: TrainSettings, config: Path | None) -> list[tuple[str, str]]:
    """(command, purpose) pairs that make sense after this run: the report first, then two or three commands."""
    programs = Path(sys.prefix) / "bin"
    flightline = "flightline" if shutil.which("flightline") else relative_path(programs / "flightline")
    named = f" --config {relative_path(config)}" if config else ""
    rerun = f"{relative_path(programs / 'python')} runner_local.py{named}" if config else "make run"
    more_training = _train_longer_options(train, summary.rows)
    train_longer = f"{rerun} {more_training}" if config else f"make run ARGS='{more_training}'"
    report = (
        [(relative_path(folder / REPORT_HTML), "the report, for a browser")] if (folder / REPORT_HTML).is_file() else []
    )
    show_run = (f"{flightline} show {summary.run_id}{named}", "this summary again, every slice, every step")
    log = (f"less {relative_path(folder / 'log.txt')}", "the output of TensorFlow, Beam and TFX")
    if summary.exit_code == DataBlocked.exit_code:
        rejected = summary.rejected_file
        return [
            *report,
            show_run,
            (f"less {relative_path(Path(rejected))}", "the rejected rows") if rejected else log,
        ]
    if summary.exit_code == NotBlessed.exit_code:
        missed_thresholds = summary.evaluation is not None and not summary.evaluation.blessed
        return [*report, show_run, (train_longer, "train longer") if missed_thresholds else log]
    if summary.exit_code:
        resume = f"{rerun} --resume" if config else "make run ARGS=--resume"
        resume_run = [(resume, "resume after the last finished step")]
        return [*report, log, *([] if summary.exit_code == UsageError.exit_code else resume_run)]
    return [
        *report,
        show_run,
        (f"{flightline} releases{named}", "all releases, and the current one"),
        (train_longer, "train longer; unchanged steps come from the cache"),
    ]


def _train_longer_options(train: TrainSettings, rows: RowAccounting | None) -> str:
    """Options that double the training: the epochs, and the minimum number of steps where that is larger."""
    epochs = f"--set train.epochs={2 * train.epochs}"
    steps = (rows.splits.get("train", 0) if rows else 0) // train.batch_size * train.epochs
    return epochs if steps > train.min_steps else f"{epochs} --set train.min_steps={2 * train.min_steps}"


def relative_path(path: Path) -> str:
    """The path relative to the working directory, where it is below it."""
    text = os.path.relpath(path)
    return str(path) if text.startswith("..") else text
