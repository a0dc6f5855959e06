"""`flightline lineage | why | diff`: the questions of whoever has to answer for a model. Without TensorFlow."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli_common import ConfigOption, JsonOption, a_console, print_json, say_whose, with_exit_codes
from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.metadata.ancestry import FORMS, Ancestry, ancestry
from pipeline.metadata.differences import Differences, differences
from pipeline.metadata.reasons import Reasons, reasons
from pipeline.metadata.runs import LATEST, Runs
from pipeline.report.data import Change
from pipeline.report.origin import DVC
from pipeline.shown import escape
from pipeline.summary_screen import COUNTS, show_findings

MOST = 12  # features and metrics shown; --json has all
SHORT = 12  # of a digest


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("lineage", show_lineage), ("why", show_why), ("diff", show_diff)):
        app.command(name)(with_exit_codes(command))


def show_lineage(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"{FORMS}.")] = "release:current",
    config: ConfigOption = DEFAULT_CONFIG,
    down: Annotated[bool, typer.Option("--down", help="What was made of it, instead of what it was made of.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Go from a release, a run or an artifact back to rows, schema, code, lock and champion."""
    loaded = load_config(config)
    found = ancestry(Runs.open(loaded), loaded, what, "down" if down else "up")
    if as_json:
        print_json(found.to_dict())
        return
    console = a_console()
    console.print(f"[bold]{escape(found.what)}[/]: {'what was made of it' if down else 'what it was made of'}")
    if not down:
        _show_facts(console, found)
    table = _table("artifact", "type", "made by", "in run", "content", "where")
    for artifact in found.artifacts:
        where = "[dim]collected[/]" if artifact.collected else escape(artifact.uri)
        kind = f"{artifact.type} {artifact.span}".strip()
        table.add_row(str(artifact.id), kind, artifact.node, artifact.run, artifact.digest[:SHORT], where)
    console.print(table)


def _show_facts(console: Console, found: Ancestry) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    if found.rows:
        rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in found.rows.rejected.items())
        splits = " + ".join(f"{name} {count:,}" for name, count in found.rows.splits.items())
        facts.add_row("rows", f"read {found.rows.read:,} = {splits}{rejected}")
    schema = next((artifact for artifact in found.artifacts if artifact.type == "Schema"), None)
    if schema:
        facts.add_row("schema", f"{schema.digest[:SHORT]}  {escape(schema.uri)}")
    facts.add_row("code", ", ".join(f"{node} {digest[:SHORT]}" for node, digest in sorted(found.code.items())))
    facts.add_row("lock", found.lock)
    facts.add_row("champion", f"artifact {found.champion}" if found.champion else "none: the first of its kind")
    for name in ("commit", "by"):
        if name in found.about:
            facts.add_row(name, escape(str(found.about[name])))
    if DVC in found.about:
        named = json.loads(found.about[DVC])
        shown = ", ".join(f"{escape(name)} {md5[:SHORT]}" for name, md5 in sorted(named.items())[:MOST])
        facts.add_row("data (DVC)", shown + (f" and {len(named) - MOST} more" if len(named) > MOST else ""))
    measured = {name: value for name, value in found.metrics.items() if name not in COUNTS}
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
    say_whose(runs, run)
    found = reasons(runs, run)
    if as_json:
        print_json(found.to_dict())
        return
    _show_reasons(a_console(), found)


def _show_reasons(console: Console, found: Reasons) -> None:
    console.print(f"run [bold]{escape(found.run)}[/]: {escape(found.outcome)}", soft_wrap=True)
    if found.gate:
        show_findings(console, found.gate)
    if found.checks:
        table = _table("", "metric", "on", "rows", "measured", "champion", "must be")
        for check in found.checks:
            mark = "[green]met[/]" if check.met else "[red]missed[/]"
            numbers = ("" if value is None else f"{value:.4f}" for value in (check.value, check.champion))
            rows = "" if check.rows is None else f"{check.rows:,}"
            table.add_row(mark, check.metric, escape(check.slice), rows, *numbers, escape(check.bound))
        console.print(table)
    for difference in found.differences:
        console.print(f"against the champion: {difference.in_words}", soft_wrap=True)
    if found.champion_problem:
        told = f"the champion could not be loaded: {escape(found.champion_problem)}; nothing was held against it"
        console.print(f"[yellow]{told}[/]", soft_wrap=True)
    for name in found.unchecked:
        console.print(f"[yellow]no row[/] belongs to {escape(name)}, which a threshold asks for")
    table = _table("step", "state", "why")
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
    say_whose(runs, *both)
    found = differences(loaded, *both)
    if as_json:
        print_json(found.to_dict())
        return
    _show_differences(a_console(), found)


def _show_differences(console: Console, found: Differences) -> None:
    if found.nothing:
        console.print(f"{found.before} and {found.now} are the same in all that is compared")
        return
    table = _table("", "what", found.before, found.now)
    for kind in ("config", "code", "lock", "data", "schema"):
        changes: list[Change] = getattr(found, kind)
        for change in changes:
            table.add_row(kind, escape(change.name), _shown(change.before), _shown(change.now))
    for moved in found.movements[:MOST]:
        missing = [f"missing {share:.1%}" for share in (moved.missing_before, moved.missing_now)]
        table.add_row("moved", f"{escape(moved.feature)}: {moved.measure} {moved.distance:.4f}", *missing)
    for metric in found.metrics[:MOST]:
        table.add_row("metric", escape(f"{metric.metric} on {metric.slice}"), _shown(metric.before), _shown(metric.now))
    console.print(table)
    hidden = max(0, len(found.movements) - MOST) + max(0, len(found.metrics) - MOST)
    if hidden:
        console.print(f"and {hidden} more; --json has all", style="dim")


def _shown(value: Any) -> str:
    if value is None:
        return "[dim]none[/]"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
