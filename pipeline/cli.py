"""The `flightline` command: reads what runs left behind. Thin, and without TensorFlow."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipeline.audit_command import add_to as add_audit
from pipeline.cli_common import ConfigOption, JsonOption, a_console, print_json, say_whose, with_exit_codes
from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.errors import GO_ON
from pipeline.garbage_collection import COLLECTED_AT
from pipeline.gc_command import add_to as add_gc
from pipeline.init.command import add_to as add_init
from pipeline.metadata.run import Run
from pipeline.metadata.run_ids import BESIDE
from pipeline.metadata.runs import LATEST, Runs
from pipeline.monitor.commands import add_to as add_monitoring
from pipeline.permissions import nobody_else_writes
from pipeline.questions import add_to as add_questions
from pipeline.release_commands import add_to as add_releases
from pipeline.report.data import REPORT_HTML
from pipeline.reproduce.command import add_to as add_reproduce
from pipeline.run_lock import Holder
from pipeline.run_state import at_it, read_summary, was_killed
from pipeline.sbom_command import add_to as add_sbom
from pipeline.schema_commands import add_to as add_schema
from pipeline.search_results import Search
from pipeline.serving_commands import add_to as add_serving
from pipeline.shown import escape
from pipeline.summary import Summary
from pipeline.summary_screen import show as show_summary
from pipeline.tracking.command import add_to as add_tracking

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
add_questions(app)
add_releases(app)
add_tracking(app)
add_audit(app)
add_reproduce(app)
add_gc(app)
add_serving(app)
add_sbom(app)
add_schema(app)
add_monitoring(app)
add_init(app)


def main() -> None:
    """The entry point."""
    app()


@app.callback()
def flightline() -> None:
    """Runs, releases and what they are made of."""
    nobody_else_writes()


@app.command("runs")
@with_exit_codes
def list_runs(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The pipeline's config; without, all pipelines of the workspace are listed."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest first."""
    loaded = load_config(config or DEFAULT_CONFIG)
    runs = Runs.open(loaded)
    known = list(runs if config else runs.of_workspace())
    if as_json:
        print_json([run_as_dict(run) for run in known])
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    if not known:
        typer.echo(f"there are no runs of {loaded.name} yet")
        return
    several = len({run.pipeline for run in known}) > 1
    whose = ("pipeline",) if several else ()
    for column in ("run", *whose, "started", "state", "seconds", "rows", "blessed", "released"):
        table.add_column(column)
    for run in known:
        entry = run_as_dict(run)
        state = "killed" if was_killed(loaded, run) else run.state.lower()
        table.add_row(
            run.run_id,
            *((run.pipeline,) if several else ()),
            entry["started"],
            state,
            f"{run.seconds:.0f}",
            f"{run.rows.read:,}" if run.rows else "",
            {True: "yes", False: "no", None: ""}[run.blessed],
            Path(run.pushed).name if run.pushed else "",
        )
    a_console().print(table)


@app.command("show")
@with_exit_codes
def show_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")] = LATEST,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show what a run came to: steps, rows, metrics of every slice, the verdict."""
    loaded = load_config(config)
    run = Runs.open(loaded).get(run_id)
    summary = read_summary(loaded, run)
    if as_json:
        print_json({**run_as_dict(run), "summary": summary.to_dict() if summary else None})
        return
    console = a_console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("step", "state", "seconds"):
        table.add_column(column)
    for step in run.steps.values():
        table.add_row(step.node, step.state.lower(), f"{(step.ended - step.started) / 1000:.1f}")
    holder = at_it(loaded, run) if summary is None else None
    killed = summary is None and was_killed(loaded, run)
    state = "under way" if holder else "killed" if killed else run.state.lower()
    console.print(f"run [bold]{run.run_id}[/] of {run.pipeline}, {state}")
    console.print(table)
    if summary is None:
        console.print(_why_no_summary(run, holder, killed), soft_wrap=True)
        return
    show_summary(console, summary)
    if summary.failure:
        console.print(f"[bold]Ended[/]    with {summary.exit_code}: {escape(summary.failure)}", soft_wrap=True)
    if summary.search:
        show_trials(console, summary.search)
    if summary.evaluation:
        show_slices(console, summary)


def _why_no_summary(run: Run, holder: Holder | None, killed: bool) -> str:
    if COLLECTED_AT in run.about:
        return f"its folder was removed by `flightline gc` at {run.about[COLLECTED_AT]}; `flightline why` has more"
    if holder:
        return f"the run is under way ({holder}); its log is in its folder"
    go_on = f"; {GO_ON}" if killed and not run.pipeline.endswith(BESIDE) else ""
    return f"the run left no summary: it was ended from outside; its log is in its folder{go_on}"


def show_trials(console: Console, search: Search) -> None:
    """Every trial of the search for settings, the best first."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    names = list(search.trials[0].values)
    for column in ("trial", search.objective, *names):
        table.add_column(column, overflow="fold")
    for trial in search.by_score:
        score = "failed" if trial.score is None else f"{trial.score:.5f}"
        table.add_row(trial.name, score, *(escape(str(trial.values.get(name, ""))) for name in names))
    console.print(table)


def show_slices(console: Console, summary: Summary) -> None:
    """Every metric of every slice."""
    if summary.evaluation is None:
        return
    metrics = summary.evaluation.metrics
    names = sorted({name for values in metrics.values() for name in values} - {"weighted_example_count"})
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("slice", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for slice_name, values in metrics.items():
        table.add_row(escape(slice_name), *(_number(name, values.get(name)) for name in names))
    console.print(table)


def _older_than(page: Path, run: Run) -> bool:
    """Whether a page was made before the last word about a run: while it was under way, or before it was resumed."""
    return page.stat().st_mtime < run.started / 1000 + run.seconds


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric == "example_count" else f"{value:.4f}"


@app.command("report")
@with_exit_codes
def report_of_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")] = LATEST,
    refresh: Annotated[bool, typer.Option("--refresh", help="Make it anew from what the run left.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a run's report; one that is not there is made."""
    loaded = load_config(config)
    runs = Runs.open(loaded)
    run = runs.get(run_id)
    page = loaded.run_folder(run.run_id) / REPORT_HTML
    if refresh or not page.is_file() or _older_than(page, run):
        from pipeline.report.write import remake_report

        runs.get_own(run.run_id)  # what a report says of a pipeline is in its config
        remake_report(loaded, run.run_id)
    say_whose(runs, run)
    if as_json:
        print_json({"run": page.parent.name, "report": str(page), "data": str(page.with_suffix(".json"))})
        return
    typer.echo(page)


@app.command()
@with_exit_codes
def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say which engines can run from this machine, and what is missing for the others."""
    from pipeline.doctor import examine

    found = examine(load_config(config))
    if as_json:
        print_json([finding.to_dict() for finding in found])
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("", "state", "found or missing", "what to do"):
        table.add_column(column, overflow="fold")
    colours = {"runs here": "green", "submits": "green", "incomplete": "yellow"}
    for finding in found:
        state = f"[{colours[finding.state]}]{finding.state}[/]"
        table.add_row(finding.about, state, escape(finding.detail), escape(finding.todo))
    a_console().print(table)


def run_as_dict(run: Run) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "pipeline": run.pipeline,
        "started": f"{datetime.fromtimestamp(run.started / 1000):%Y-%m-%d %H:%M:%S}",
        "state": run.state,
        "seconds": run.seconds,
        "steps": {step.node: step.state for step in run.steps.values()},
        "rows_read": run.rows.read if run.rows else None,
        "blessed": run.blessed,
        "pushed": run.pushed,
    }
