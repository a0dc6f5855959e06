"""The `flightline` command: reads what runs left behind. Thin, and without TensorFlow."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from flightline.cli.audit import register_commands as register_audit
from flightline.cli.common import ConfigOption, JsonOption, make_console, print_json, warn_foreign_runs, with_exit_codes
from flightline.cli.gc import register_commands as register_gc
from flightline.cli.init import register_commands as register_init
from flightline.cli.inspect import register_commands as register_inspect
from flightline.cli.monitor import register_commands as register_monitoring
from flightline.cli.new import register_commands as register_new
from flightline.cli.releases import register_commands as register_releases
from flightline.cli.reproduce import register_commands as register_reproduce
from flightline.cli.sbom import register_commands as register_sbom
from flightline.cli.schema import register_commands as register_schema
from flightline.cli.serving import register_commands as register_serving
from flightline.cli.tracking import register_commands as register_tracking
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import RESUME_HINT
from flightline.metadata.run import Run
from flightline.metadata.run_ids import AUXILIARY_SUFFIXES
from flightline.metadata.runs import LATEST, Runs
from flightline.metadata.tuning import TuningResult
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import Summary
from flightline.reporting.terminal_summary import show_summary
from flightline.runs.gc.collect import COLLECTED_AT_PROPERTY
from flightline.runs.state.run_state import active_holder, was_killed
from flightline.utils.file_lock import LockHolder
from flightline.utils.files import restrict_umask
from flightline.utils.terminal import escape

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
register_inspect(app)
register_releases(app)
register_tracking(app)
register_audit(app)
register_reproduce(app)
register_gc(app)
register_serving(app)
register_sbom(app)
register_schema(app)
register_monitoring(app)
register_init(app)
register_new(app)


def main() -> None:
    """The entry point."""
    app()


@app.callback()
def flightline() -> None:
    """Runs, releases and what they are made of."""
    restrict_umask()


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
    known = list(runs if config else runs.for_workspace())
    if as_json:
        print_json([run_to_dict(run) for run in known])
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
        entry = run_to_dict(run)
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
    make_console().print(table)


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
    summary = Summary.read(loaded.run_folder(run.run_id))
    if as_json:
        print_json({**run_to_dict(run), "summary": summary.to_dict() if summary else None})
        return
    console = make_console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("step", "state", "seconds"):
        table.add_column(column)
    for step in run.steps.values():
        table.add_row(step.node, step.state.lower(), f"{(step.ended - step.started) / 1000:.1f}")
    holder = active_holder(loaded, run) if summary is None else None
    killed = summary is None and was_killed(loaded, run)
    state = "under way" if holder else "killed" if killed else run.state.lower()
    console.print(f"run [bold]{run.run_id}[/] of {run.pipeline}, {state}")
    console.print(table)
    if summary is None:
        console.print(_explain_missing_summary(run, holder, killed), soft_wrap=True)
        return
    show_summary(console, summary)
    if summary.failure:
        console.print(f"[bold]Ended[/]    with {summary.exit_code}: {escape(summary.failure)}", soft_wrap=True)
    if summary.search:
        show_trials(console, summary.search)
    if summary.evaluation:
        show_slices(console, summary)


def _explain_missing_summary(run: Run, holder: LockHolder | None, killed: bool) -> str:
    if COLLECTED_AT_PROPERTY in run.about:
        return f"its folder was removed by `flightline gc` at {run.about[COLLECTED_AT_PROPERTY]}; `flightline why` has more"
    if holder:
        return f"the run is under way ({holder}); its log is in its folder"
    go_on = f"; {RESUME_HINT}" if killed and not run.pipeline.endswith(AUXILIARY_SUFFIXES) else ""
    return f"the run left no summary: it was ended from outside; its log is in its folder{go_on}"


def show_trials(console: Console, search: TuningResult) -> None:
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
        table.add_row(escape(slice_name), *(_format_metric(name, values.get(name)) for name in names))
    console.print(table)


def _is_outdated(page: Path, run: Run) -> bool:
    """Whether a page was made before the last word about a run: while it was under way, or before it was resumed."""
    return page.stat().st_mtime < run.started / 1000 + run.seconds


def _format_metric(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric == "example_count" else f"{value:.4f}"


@app.command("report")
@with_exit_codes
def show_report(
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
    if refresh or not page.is_file() or _is_outdated(page, run):
        from flightline.reporting.html.write_report import regenerate_report

        runs.get_in_pipeline(run.run_id)  # what a report says of a pipeline is in its config
        regenerate_report(loaded, run.run_id)
    warn_foreign_runs(runs, run)
    if as_json:
        print_json({"run": page.parent.name, "report": str(page), "data": str(page.with_suffix(".json"))})
        return
    typer.echo(page)


@app.command()
@with_exit_codes
def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say which engines can run from this machine, and what is missing for the others."""
    from flightline.cli.doctor import check_environment

    found = check_environment(load_config(config))
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
    make_console().print(table)


def run_to_dict(run: Run) -> dict[str, Any]:
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
