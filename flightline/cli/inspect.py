"""`flightline lineage | why | diff`: the questions of whoever has to answer for a model. Without TensorFlow."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, warn_foreign_runs, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.metadata.evaluation import COUNT_METRICS
from flightline.metadata.provenance import DVC_PROPERTY
from flightline.metadata.runs import LATEST, Runs
from flightline.releases.lineage import REFERENCE_FORMATS, Lineage, trace_lineage
from flightline.reporting.html.data import Change
from flightline.reporting.run_diff import RunDiff, diff_runs
from flightline.reporting.terminal_summary import show_findings
from flightline.runs.explain import RunExplanation, explain_run
from flightline.utils.terminal import escape

MAX_ROWS_SHOWN = 12  # features and metrics shown; --json has all
SHORT_DIGEST_CHARS = 12  # of a digest


def register_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("lineage", show_lineage), ("why", show_why), ("diff", show_diff)):
        app.command(name)(with_exit_codes(command))


def show_lineage(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"{REFERENCE_FORMATS}.")] = "release:current",
    config: ConfigOption = DEFAULT_CONFIG,
    down: Annotated[bool, typer.Option("--down", help="What was made of it, instead of what it was made of.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Go from a release, a run or an artifact back to rows, schema, code, lock and champion."""
    loaded = load_config(config)
    found = trace_lineage(Runs.open(loaded), loaded, what, "down" if down else "up")
    if as_json:
        print_json(found.to_dict())
        return
    console = make_console()
    console.print(f"[bold]{escape(found.subject)}[/]: {'what was made of it' if down else 'what it was made of'}")
    if not down:
        _show_provenance(console, found)
    table = _make_table("artifact", "type", "made by", "in run", "content", "where")
    for artifact in found.artifacts:
        where = "[dim]collected[/]" if artifact.collected else escape(artifact.uri)
        kind = f"{artifact.type} {artifact.span}".strip()
        table.add_row(str(artifact.id), kind, artifact.node, artifact.run, artifact.digest[:SHORT_DIGEST_CHARS], where)
    console.print(table)


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
    facts.add_row("champion", f"artifact {found.champion}" if found.champion else "none: the first of its kind")
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


def show_why(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")] = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Explain a run's verdict, and why each of its steps ran or did not."""
    runs = Runs.open(load_config(config))
    run = runs.get(run_id)
    warn_foreign_runs(runs, run)
    found = explain_run(run)
    if as_json:
        print_json(found.to_dict())
        return
    _show_explanation(make_console(), found)


def _show_explanation(console: Console, found: RunExplanation) -> None:
    console.print(f"run [bold]{escape(found.run)}[/]: {escape(found.outcome)}", soft_wrap=True)
    if found.gate:
        show_findings(console, found.gate)
    if found.checks:
        table = _make_table("result", "metric", "slice", "rows", "value", "champion", "threshold")
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
    table = _make_table("step", "state", "why")
    for step in found.steps:
        table.add_row(step.node, step.state.lower(), escape(step.reason))
    console.print(table)


def show_diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A run's id.")],
    now: Annotated[str, typer.Argument(metavar="B", help="Another's, or `latest`.")] = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs: config, code, lock, data, schema, statistics, metrics of every slice."""
    loaded = load_config(config)
    runs = Runs.open(loaded)
    both = runs.get(before), runs.get(now)
    warn_foreign_runs(runs, *both)
    found = diff_runs(loaded, *both)
    if as_json:
        print_json(found.to_dict())
        return
    _show_run_diff(make_console(), found)


def _show_run_diff(console: Console, found: RunDiff) -> None:
    if found.is_empty:
        console.print(f"{found.before} and {found.now} do not differ")
        return
    table = _make_table("part", "item", found.before, found.now)
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


def _make_table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
