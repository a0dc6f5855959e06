"""`flightline why | diff | lineage`: what explains a run, and what a model was made from."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from flightline.api.lineage import SHORT_DIGEST_CHARS, Lineage
from flightline.api.project import Project
from flightline.api.run_diff import MAX_ROWS_SHOWN, RunDiff
from flightline.cli.common import (
    CommandGroup,
    JsonOption,
    RunArgument,
    make_console,
    make_table,
    print_json,
    warn_foreign_runs,
)
from flightline.metadata.evaluation import COUNT_METRICS
from flightline.metadata.provenance import DVC_PROPERTY
from flightline.metadata.runs import LATEST, PREVIOUS
from flightline.releases.lineage import REFERENCE_FORMATS
from flightline.reporting.html.data import Change
from flightline.reporting.terminal_summary import show_findings
from flightline.runs.explain import RunExplanation
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Inspect runs")


@COMMANDS.add("why")
def explain_run(project: Project, run_id: RunArgument = LATEST, as_json: JsonOption = False) -> None:
    """Explain a run's verdict, and why each of its steps ran or did not."""
    run = project.runs[run_id]
    warn_foreign_runs([run])
    explanation = run.verdict.explanation
    if as_json:
        print_json(explanation.to_dict())
        return
    _show_explanation(make_console(), explanation)


@COMMANDS.add("diff")
def diff_runs(
    project: Project,
    before: RunArgument = PREVIOUS,
    now: RunArgument = LATEST,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs: config, code, lock, data, schema, statistics, metrics of every slice."""
    warn_foreign_runs([project.runs[before], project.runs[now]])
    found = project.diff(now, before)
    if as_json:
        print_json(found.to_dict())
        return
    _show_run_diff(make_console(), found)


@COMMANDS.add("lineage")
def show_lineage(
    project: Project,
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help=f"{REFERENCE_FORMATS}.")] = "release:current",
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Show what was made from it, instead of what it was made from.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trace a release, a run or an artifact back to rows, schema, code, lock and champion."""
    found = project.lineage(reference, "down" if downstream else "up")
    if as_json:
        print_json(found.to_dict())
        return
    console = make_console()
    direction = "what was made from it" if downstream else "what it was made from"
    console.print(f"[bold]{escape(found.subject)}[/]: {direction}")
    if not downstream:
        _show_provenance(console, found)
    table = make_table("artifact", "type", "step", "run", "digest", "location")
    for artifact in found.artifacts:
        location = "[dim]collected[/]" if artifact.collected else escape(artifact.uri)
        kind = f"{artifact.type} {artifact.span}".strip()
        digest = artifact.digest[:SHORT_DIGEST_CHARS]
        table.add_row(str(artifact.id), kind, artifact.node, artifact.run, digest, location)
    console.print(table)
    for problem in found.damage:
        console.print(f"[red]damaged[/]: {escape(problem)}", soft_wrap=True)


def _show_explanation(console: Console, found: RunExplanation) -> None:
    console.print(f"run [bold]{escape(found.run)}[/]: {escape(found.outcome)}", soft_wrap=True)
    if found.gate:
        show_findings(console, found.gate)
    if found.checks:
        table = make_table("result", "metric", "slice", "rows", "value", "champion", "threshold")
        for check in found.checks:
            mark = "[green]met[/]" if check.met else "[red]missed[/]"
            numbers = ("" if value is None else f"{value:.4f}" for value in (check.value, check.champion))
            rows = "" if check.rows is None else f"{check.rows:,}"
            table.add_row(mark, check.metric, escape(check.slice), rows, *numbers, escape(check.bound))
        console.print(table)
    for difference in found.differences:
        console.print(f"difference to the champion: {difference.description}", soft_wrap=True)
    if found.champion_load_error:
        problem = f"the champion could not be loaded: {escape(found.champion_load_error)}; no comparison was made"
        console.print(f"[yellow]{problem}[/]", soft_wrap=True)
    for name in found.slices_without_rows:
        console.print(f"[yellow]no rows[/] in the slice {escape(name)}, which has a threshold")
    table = make_table("step", "state", "reason")
    for step in found.steps:
        table.add_row(step.node, step.state.lower(), escape(step.reason))
    console.print(table)


def _show_run_diff(console: Console, found: RunDiff) -> None:
    if found.is_empty:
        console.print(f"{found.before} and {found.now} do not differ")
        return
    table = make_table("kind", "name", found.before, found.now)
    for kind in ("config", "code", "lock", "data", "schema"):
        changes: list[Change] = getattr(found, kind)
        for change in changes:
            table.add_row(kind, escape(change.name), _format_value(change.before), _format_value(change.now))
    for shift in found.feature_shifts[:MAX_ROWS_SHOWN]:
        missing = [f"missing {fraction:.1%}" for fraction in (shift.missing_before, shift.missing_now)]
        table.add_row("distribution", f"{escape(shift.feature)}: {shift.measure} {shift.distance:.4f}", *missing)
    for metric in found.metrics[:MAX_ROWS_SHOWN]:
        table.add_row(
            "metric",
            escape(f"{metric.metric} on {metric.slice}"),
            _format_value(metric.before),
            _format_value(metric.now),
        )
    console.print(table)
    hidden = max(0, len(found.feature_shifts) - MAX_ROWS_SHOWN) + max(0, len(found.metrics) - MAX_ROWS_SHOWN)
    if hidden:
        console.print(f"and {hidden} more; --json has all", style="dim")


def _format_value(value: Any) -> str:
    if value is None:
        return "[dim]none[/]"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _show_provenance(console: Console, found: Lineage) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    if found.rows:
        rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in found.rows.rejected.items())
        splits = " + ".join(f"{name} {count:,}" for name, count in found.rows.splits.items())
        facts.add_row("rows", f"read {found.rows.read:,} = {splits}{rejected}")
    schema = next((artifact for artifact in found.artifacts if artifact.type == "Schema"), None)
    if schema:
        facts.add_row("schema", f"{schema.digest[:SHORT_DIGEST_CHARS]}  {escape(schema.uri)}")
    facts.add_row(
        "code", ", ".join(f"{node} {digest[:SHORT_DIGEST_CHARS]}" for node, digest in sorted(found.code.items()))
    )
    facts.add_row("lock", found.lock)
    facts.add_row("champion", f"artifact {found.champion}" if found.champion else "none: this is the first model")
    for name in ("commit", "started_by"):
        if name in found.about:
            facts.add_row(name, escape(str(found.about[name])))
    if DVC_PROPERTY in found.about:
        named = json.loads(found.about[DVC_PROPERTY])
        shown = ", ".join(
            f"{escape(name)} {md5[:SHORT_DIGEST_CHARS]}" for name, md5 in sorted(named.items())[:MAX_ROWS_SHOWN]
        )
        facts.add_row(
            "data (DVC)", shown + (f" and {len(named) - MAX_ROWS_SHOWN} more" if len(named) > MAX_ROWS_SHOWN else "")
        )
    measured = {name: value for name, value in found.metrics.items() if name not in COUNT_METRICS}
    if measured:
        facts.add_row("metrics", ", ".join(f"{name} {value:.4f}" for name, value in sorted(measured.items())))
    for gap in found.gaps:
        facts.add_row("gap", escape(gap))
    console.print(facts)
