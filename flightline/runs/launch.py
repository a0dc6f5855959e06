"""The training run: from a request to an exit code, the same for every runner."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from flightline.config.loader import check_against_data, load_config, require_thresholds
from flightline.config.settings import Config
from flightline.engines.arguments import RunnerName
from flightline.engines.validation import check_engine
from flightline.errors import ConfigError, FlightlineError, UsageError, print_error, summarize_error
from flightline.metadata.provenance import PROVENANCE_FILE, collect_provenance, run_properties
from flightline.metadata.runs import Runs
from flightline.metadata.store import has_store
from flightline.releases import audit_log
from flightline.releases.schema_change import finish_interrupted_schema_change
from flightline.reporting import mlflow, terminal_summary
from flightline.reporting.progress_table import PLAIN_WIDTH
from flightline.runs.audit_events import record_run_ended, record_run_started
from flightline.runs.request import RunRequest
from flightline.runs.run_loop import CompletedDag, DagRun, RunResult, ScreenOptions, run_dag
from flightline.runs.state.lock import pipeline_lock
from flightline.runs.state.resume import clean_up_killed_runs, find_resumable_run
from flightline.runs.state.run_folder import create_run_folder
from flightline.runs.state.span_plan import SpanPlan, plan_span, resolve_span
from flightline.runs.state.store_check import require_store_of_artifacts
from flightline.runs.state.up_to_date import RUN_KEY_FILE, EarlierRun, compute_run_key, find_earlier_run
from flightline.utils.diagnostics import describe_versions
from flightline.utils.dotted_path import load_function
from flightline.utils.files import restrict_umask
from flightline.utils.suggestions import suggest_names

# A run that only ingests its span ends at the gate; these are the nodes up to it.
INGEST_NODES = ("ExampleGen", "StatisticsGen", "CuratedSchema", "ExampleValidator", "PreviousSpans", "DataGate")


def run_pipeline(request: RunRequest, runner: RunnerName) -> int:
    """Run the training DAG; return the exit code. A failure's last line has been written to stderr."""
    return launch_run(request, runner).code


def launch_run(request: RunRequest, runner: RunnerName) -> RunResult:
    """Run the training DAG; return its error and its folder. A failure's last line has been printed."""
    restrict_umask()
    try:
        request, config = _resolve_request(request)
        check_engine(config)
        require_thresholds(config)
        report = partial(print, file=sys.stderr, flush=True)
        with pipeline_lock(config, "a run", request.wait_s, report):
            return _launch_locked(request, config, runner)
    except FlightlineError as error:
        if not request.quiet:
            print_error(sys.stderr, error)
        return RunResult(error, None)


def _resolve_request(request: RunRequest) -> tuple[RunRequest, Config]:
    """Load the config; with `--resume`, replace the request by that of the run to resume."""
    config = load_config(request.config, request.overrides)
    if request.resume:
        run = find_resumable_run(config)
        request = replace(request, config=run.config, overrides=(), to_node=run.to_node, run_id=run.next_run_id)
        config = load_config(run.config)
    return request, resolve_span(config)


def _launch_locked(request: RunRequest, config: Config, runner: RunnerName) -> RunResult:
    """Run while the pipeline's lock is held."""
    finish_interrupted_schema_change(config)
    require_store_of_artifacts(config)
    files = check_against_data(config)
    plan = plan_span(config)
    key = compute_run_key(config, files, plan.window if plan else ())
    if request.skips_when_up_to_date and (earlier := find_earlier_run(config, key)):
        return _show_up_to_date(config, earlier, request)
    run_arguments = {"runner": runner, "to": request.to_node or "", "reason": request.reason}
    provenance = collect_provenance(config, files, run_arguments)
    run_files = {RUN_KEY_FILE: key + "\n", PROVENANCE_FILE: provenance.to_json()}
    folder = create_run_folder(config, request.run_id, plan.name if plan else "", run_files)
    run = TrainingRun(config, folder, request, runner, plan)
    dag_run = DagRun(
        config=config,
        folder=folder,
        run_id=folder.name,
        heading=f"pipeline [bold]{config.name}[/], run [bold]{folder.name}[/], {describe_versions()}",
        compile_dag=run.compile_dag,
        show_result=run.show_result,
        prepare=run.prepare,
        runner=runner,
        cache=request.cache,
        limits=config.steps,
        properties=run_properties(folder),
    )
    return run_dag(dag_run, ScreenOptions("file" if request.quiet else "stdout", request.plain))


def _show_up_to_date(config: Config, earlier: EarlierRun, request: RunRequest) -> RunResult:
    if request.quiet:
        return RunResult(None, earlier.folder)
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    run_id = earlier.summary.run_id
    console.print(f"[bold]Nothing has changed[/] since run [bold]{run_id}[/], and its release is current:")
    console.print("same data, schema, config, code and lock. --no-cache runs it all again.")
    terminal_summary.show_summary(console, earlier.summary)
    config_file = request.config_for_commands(earlier.folder)
    terminal_summary.show_next_commands(console, earlier.summary, earlier.folder, config.train, config_file)
    return RunResult(None, earlier.folder)


@dataclass(frozen=True)
class TrainingRun:
    """What training adds to the life of a run: clean-up, audit log, verdict, release, summary and report."""

    config: Config
    folder: Path
    request: RunRequest
    runner: RunnerName
    plan: SpanPlan | None

    def prepare(self, console: Console) -> None:
        """Clean up after killed runs, and record the start in the audit log."""
        for step in clean_up_killed_runs(self.config):
            console.print(f"{step} was interrupted: marked as abandoned, its files removed")
            audit_log.record(self.config.workspace, "abandoned", step=step)
        record_run_started(self.config, self.folder, self.runner)

    def compile_dag(self) -> Any:
        """Compile the DAG that `user_code.training_pipeline` builds.

        Raises:
            ConfigError: the function cannot be imported, or `steps.overrides` names an unknown node.
            UsageError: `--from` without an earlier run, or with a node that does not exist.
        """
        from flightline.runs.tfx import compat

        request = self.request
        create_pipeline = load_function("user_code.training_pipeline", self.config.user_code.training_pipeline)
        optional = {"resumed": self.folder.name if request.resume else "", "override": request.gate_override_reason}
        arguments: dict[str, Any] = {name: value for name, value in optional.items() if value}
        dag = create_pipeline(self.config, cache=request.cache, **arguments)
        last_node = _last_node(request, self.plan)
        ir = compat.compile_pipeline(dag, self.folder.name, request.from_node, last_node)
        if request.from_node and not _has_earlier_run(self.config):
            raise UsageError(
                f"--from {request.from_node} needs an earlier run for the nodes before it, and there is none",
                "leave --from out",
            )
        nodes = list(compat.upstream_nodes(ir))
        for node in self.config.steps.overrides:
            if node not in nodes:
                raise ConfigError(f"steps.overrides: there is no node {node}", suggest_names(node, nodes))
        return ir

    def show_result(self, dag: CompletedDag) -> FlightlineError | None:
        """Judge the run, release its model if it passed, and show and store the summary; return why it failed."""
        from flightline.runs.finalize import finalize_run

        config, console = self.config, dag.console
        summary, failure = finalize_run(config, dag.observer, dag.nodes, self.plan)
        summary.write(self.folder)
        record_run_ended(config, self.folder.name, summary)
        terminal_summary.show_summary(console, summary)
        dag.observer.write_records()
        _write_report(config, dag)
        mlflow.track_finished_run(config, self.folder.name, console)
        config_file = self.request.config_for_commands(self.folder)
        terminal_summary.show_next_commands(console, summary, self.folder, config.train, config_file)
        return failure


def _has_earlier_run(config: Config) -> bool:
    return has_store(config) and any(True for _ in Runs.open(config))


def _last_node(request: RunRequest, plan: SpanPlan | None) -> str | None:
    """Return the node to end at. Decided before the start: TFX silently skips nodes that have nothing to train on."""
    if plan is None or not plan.ingest_only_reason or request.to_node in INGEST_NODES:
        return request.to_node
    return INGEST_NODES[-1]


def _write_report(config: Config, dag: CompletedDag) -> None:
    """Write the run's report. If that fails, print a warning; the run's result stays the same."""
    from flightline.reporting.html.write_report import write_report
    from flightline.runs.evaluation_reader import read_curves

    try:
        write_report(config, dag.observer.run_id, dag.upstream, read_curves(dag.observer.run()))
    except Exception as error:
        traceback.print_exc()
        dag.observer.note(f"the report could not be written: {summarize_error(error)}; the log has the traceback")
