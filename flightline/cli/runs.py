"""`flightline runs | show | report`: the runs and their results."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from flightline.api.project import Project
from flightline.api.run import Run
from flightline.cli.common import (
    CommandGroup,
    JsonOption,
    LimitOption,
    RunArgument,
    make_console,
    make_table,
    print_json,
    warn_foreign_runs,
)
from flightline.errors import RESUME_HINT
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.run_ids import AUXILIARY_SUFFIXES
from flightline.metadata.runs import LATEST
from flightline.metadata.tuning import TuningResult
from flightline.reporting.terminal_summary import show_summary
from flightline.runs.gc.collect import COLLECTED_AT_PROPERTY
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Inspect runs")
_YES_NO = {True: "yes", False: "no", None: ""}


@COMMANDS.add("runs")
def list_runs(
    project: Project,
    all_pipelines: Annotated[
        bool, typer.Option("--all", help="List the runs of all pipelines in the workspace.")
    ] = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest first."""
    listed = list(project.runs.all_pipelines() if all_pipelines else project.runs)[:limit]
    if as_json:
        print_json([run_to_dict(run) for run in listed])
        return
    if not listed:
        typer.echo(f"there are no runs of {project.name} yet; --all lists those of other pipelines in the workspace")
        return
    table = make_table("run", "pipeline", "started", "state", "seconds", "rows", "blessed", "release")
    for run in listed:
        table.add_row(
            run.run_id,
            run.pipeline,
            f"{run.started:%Y-%m-%d %H:%M:%S}",
            run.state.lower(),
            f"{run.seconds:.0f}",
            f"{run.rows.read:,}" if run.rows else "",
            _YES_NO[run.blessed],
            run.release.name if run.release else "",
        )
    make_console().print(table)


@COMMANDS.add("show")
def show_run(project: Project, run_id: RunArgument = LATEST, as_json: JsonOption = False) -> None:
    """Show the result of a run: steps, rows, metrics of every slice, the verdict."""
    run = project.runs[run_id]
    summary = run.summary
    if as_json:
        print_json({**run_to_dict(run), "summary": summary.to_dict() if summary else None})
        return
    console = make_console()
    table = make_table("step", "state", "seconds")
    for step in run.record.steps.values():
        table.add_row(step.node, step.state.lower(), f"{(step.ended_ms - step.started_ms) / 1000:.1f}")
    state = "running" if summary is None and run.holder else run.state.lower()
    console.print(f"run [bold]{escape(run.run_id)}[/] of {escape(run.pipeline)}, {state}")
    console.print(table)
    if summary is None:
        console.print(_explain_missing_summary(run), soft_wrap=True)
        return
    show_summary(console, summary)
    if summary.failure:
        console.print(f"[bold]Ended[/]    with {summary.exit_code}: {escape(summary.failure)}", soft_wrap=True)
    if summary.search:
        show_trials(console, summary.search)
    if summary.evaluation:
        show_slices(console, summary.evaluation)


@COMMANDS.add("report")
def show_report(
    project: Project,
    run_id: RunArgument = LATEST,
    refresh: Annotated[bool, typer.Option("--refresh", help="Write the report again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a run's HTML report, which is written if there is none."""
    run = project.runs[run_id]
    page = run.write_report() if refresh else run.report
    warn_foreign_runs([run])
    if as_json:
        print_json({"run": run.run_id, "report": str(page), "data": str(page.with_suffix(".json"))})
        return
    typer.echo(page)


def run_to_dict(run: Run) -> dict[str, Any]:
    """A run for `--json`."""
    return {
        "run": run.run_id,
        "pipeline": run.pipeline,
        "started": f"{run.started:%Y-%m-%d %H:%M:%S}",
        "state": run.state,
        "seconds": run.seconds,
        "steps": {step.node: step.state for step in run.record.steps.values()},
        "rows_read": run.rows.read if run.rows else None,
        "blessed": run.blessed,
        "release": run.release.name if run.release else None,
    }


def _explain_missing_summary(run: Run) -> str:
    if COLLECTED_AT_PROPERTY in run.properties:
        removed_at = run.properties[COLLECTED_AT_PROPERTY]
        return f"its folder was removed by `flightline gc` at {removed_at}; `flightline why` shows what is left"
    if run.holder:
        return f"the run is under way ({run.holder}); its log is in its folder"
    can_resume = run.state == "KILLED" and not run.pipeline.endswith(AUXILIARY_SUFFIXES)
    hint = f"; {RESUME_HINT}" if can_resume else ""
    return f"the run left no summary: it was ended from outside; its log is in its folder{hint}"


def show_trials(console: Console, tuning: TuningResult) -> None:
    """Print every trial of the hyperparameter search, the best first."""
    names = list(tuning.trials[0].values)
    table = make_table("trial", tuning.objective, *names)
    for trial in tuning.by_score:
        score = "failed" if trial.score is None else f"{trial.score:.5f}"
        table.add_row(trial.name, score, *(escape(str(trial.values.get(name, ""))) for name in names))
    console.print(table)


def show_slices(console: Console, evaluation: Evaluation) -> None:
    """Print every metric of every slice."""
    metrics = evaluation.metrics
    names = sorted({name for values in metrics.values() for name in values} - {"weighted_example_count"})
    table = make_table("slice", *names)
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for slice_name, values in metrics.items():
        table.add_row(escape(slice_name), *(_format_metric(name, values.get(name)) for name in names))
    console.print(table)


def _format_metric(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if metric == "example_count" else f"{value:.4f}"
