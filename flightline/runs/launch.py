"""The life of one run, from a config to an exit code: the same for every runner."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from flightline.config.loader import DEFAULT_CONFIG, check_against_data, load_config, require_thresholds
from flightline.config.settings import Config
from flightline.engines.arguments import RunnerName, override_beam_argv
from flightline.engines.services import run_services
from flightline.engines.validation import check_engine
from flightline.errors import EXIT_OK, ConfigError, FlightlineError, UsageError, print_error, summarize_error
from flightline.executors import progress
from flightline.metadata.provenance import PROVENANCE_FILE, collect_provenance, run_properties
from flightline.releases import audit_log
from flightline.reporting import mlflow, terminal_summary
from flightline.reporting.progress_table import PLAIN_WIDTH, ProgressDisplay
from flightline.runs.audit_events import record_run_ended, record_run_started
from flightline.runs.process import log_capture
from flightline.runs.process.error_boundary import error_boundary, interrupt_on_sigterm
from flightline.runs.state.lock import pipeline_lock as alone_at
from flightline.runs.state.resume import clean_up_killed_runs, find_resumable_run
from flightline.runs.state.run_folder import create_run_folder
from flightline.runs.state.span_plan import SpanPlan, plan_span, resolve_span
from flightline.runs.state.up_to_date import RUN_KEY_FILE, EarlierRun, compute_run_key, find_earlier_run
from flightline.runs.tfx.observer import RunObserver
from flightline.utils.diagnostics import describe_versions
from flightline.utils.files import atomic_write, restrict_umask
from flightline.utils.lazy_import import lazy_load_vertex
from flightline.utils.suggestions import suggest_names

CreatePipeline = Callable[..., Any]
SCREEN_FILE = "screen.txt"  # in a run's folder: what it would have shown, where the terminal is left to others
# What a run does with a span that is only taken in ends at the gate; these are the nodes before it, and it.
INGEST_NODES = ("ExampleGen", "StatisticsGen", "CuratedSchema", "ExampleValidator", "PreviousStatistics", "DataGate")


@dataclass(frozen=True)
class RunRequest:
    """What a user asks of a runner.

    Attributes:
        config: the config file.
        overrides: `a.b=value` on top of it, in order.
        run_id: names the run; made of the time where it is None.
        from_node: begin here; what is before is taken from the latest run.
        to_node: end here.
        cache: take unchanged steps from earlier runs.
        plain: one line an event instead of a live table.
        aside: what it would show goes to `screen.txt` in the run's folder, and nothing to the terminal.
        resume: go on with the newest run that did not end with a verdict, as it was asked for.
        override: why the data gate lets everything through; nothing is where it is empty.
        reason: why it was started, where somebody says so.
        wait_s: how long to wait for another run to leave the workspace, in seconds.
    """

    config: Path
    overrides: tuple[str, ...] = ()
    run_id: str | None = None
    from_node: str | None = None
    to_node: str | None = None
    cache: bool = True
    plain: bool = False
    aside: bool = False
    resume: bool = False
    override: str = ""
    reason: str = ""
    wait_s: float = 0.0

    @property
    def skips_when_up_to_date(self) -> bool:
        """Whether there is nothing to do where nothing has changed: no run, part or fresh start was asked for."""
        return self.cache and not (self.run_id or self.from_node or self.to_node or self.override)

    def followup_config(self, folder: Path) -> Path | None:
        """The config that a later command has to name to find this run; None where it is the default one."""
        if any(override.startswith(("workspace=", "name=")) for override in self.overrides):
            return folder / "config.yaml"
        return None if self.config == DEFAULT_CONFIG else self.config


@dataclass(frozen=True)
class RunResult:
    """How a run ended: why it is not done, None where it is; its folder, None where it did not get to have one."""

    error: FlightlineError | None
    folder: Path | None

    @property
    def code(self) -> int:
        return self.error.exit_code if self.error else EXIT_OK


def run_pipeline(request: RunRequest, runner: RunnerName, create_pipeline: CreatePipeline | None = None) -> int:
    """Runs a DAG as asked; returns the exit code, after the last line of a failure has been written to stderr.

    `create_pipeline(config, cache=...)` is `pipeline.training.create_pipeline` unless another is given.
    """
    return launch_run(request, runner, create_pipeline).code


def launch_run(request: RunRequest, runner: RunnerName, create_pipeline: CreatePipeline | None = None) -> RunResult:
    """As `run`, for whoever wants to know more than the exit code."""
    restrict_umask()
    try:
        request, config = _resolve_request(request)
        check_engine(config)
        require_thresholds(config)
        say = partial(print, file=sys.stderr, flush=True)
        with alone_at(config, "a run", request.wait_s, say):
            return _launch_locked(request, config, runner, create_pipeline)
    except FlightlineError as error:
        if not request.aside:
            print_error(sys.stderr, error)
        return RunResult(error, None)


def _resolve_request(request: RunRequest) -> tuple[RunRequest, Config]:
    """The request and its config, of the run that is to be resumed where one is."""
    config = load_config(request.config, request.overrides)
    if request.resume:
        left = find_resumable_run(config)
        request = replace(request, config=left.config, overrides=(), to_node=left.to_node, run_id=left.next_run_id)
        config = load_config(left.config)
    return request, resolve_span(config)


def _launch_locked(
    request: RunRequest, config: Config, runner: RunnerName, create_pipeline: CreatePipeline | None
) -> RunResult:
    """Runs, nobody else being at work in the workspace."""
    files = check_against_data(config)
    plan = plan_span(config)
    key = compute_run_key(config, files, plan.window if plan else ())
    if request.skips_when_up_to_date and (earlier := find_earlier_run(config, key)):
        return _show_up_to_date(config, earlier, request)
    asked = {"runner": runner, "to": request.to_node or "", "reason": request.reason}
    about = {RUN_KEY_FILE: key + "\n", PROVENANCE_FILE: collect_provenance(config, files, asked).to_json()}
    folder = create_run_folder(config, request.run_id, plan.name if plan else "", about)
    with log_capture.capture_output(folder / "log.txt") as terminal, contextlib.ExitStack() as stack:
        out, err = terminal.out, terminal.err
        if request.aside:
            out = err = stack.enter_context((folder / SCREEN_FILE).open("w", encoding="utf-8"))
        live = out.isatty() and not request.plain
        console = Console(file=out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        console.print(
            f"[bold]Flightline[/]  pipeline [bold]{config.name}[/], run [bold]{folder.name}[/], {describe_versions()}"
        )
        with error_boundary() as caught, interrupt_on_sigterm():
            for step in clean_up_killed_runs(config):
                console.print(f"{step} was cut off: marked as abandoned, its files removed")
                audit_log.record(config.workspace, "abandoned", step=step)
            record_run_started(config, folder, runner)
            caught.error = _run_dag(
                config, folder, request, runner, ProgressDisplay(console, live), create_pipeline, plan
            )
        if caught.error is not None:
            print_error(err, caught.error, folder / "log.txt")
        return RunResult(caught.error, folder)


def _show_up_to_date(config: Config, earlier: EarlierRun, request: RunRequest) -> RunResult:
    if request.aside:
        return RunResult(None, earlier.folder)
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    run_id = earlier.summary.run_id
    console.print(f"[bold]Nothing has changed[/] since run [bold]{run_id}[/], and its release is current:")
    console.print("same data, schema, config, code and lock. --no-cache runs it all again.")
    terminal_summary.show_summary(console, earlier.summary)
    named = request.followup_config(earlier.folder)
    terminal_summary.show_next_commands(console, earlier.summary, earlier.folder, config.train, named)
    return RunResult(None, earlier.folder)


def _run_dag(
    config: Config,
    folder: Path,
    request: RunRequest,
    runner: RunnerName,
    screen: ProgressDisplay,
    create_pipeline: CreatePipeline | None,
    plan: SpanPlan | None,
) -> FlightlineError | None:
    """Runs the DAG and shows what came of it; returns why it is not done, or None where it is."""
    observer = RunObserver(folder.name, config, screen, cache=request.cache, about=run_properties(folder))
    with screen.status("loading TensorFlow and TFX"):
        log_capture.quiet_libraries()
        lazy_load_vertex()
        from flightline.runs.finalize import finalize_run
        from flightline.runs.tfx import compat
        from pipeline import training

        compat.require_components()
        asked = {"resumed": folder.name if request.resume else "", "override": request.override}
        given: dict[str, Any] = {name: value for name, value in asked.items() if value}
        dag = (create_pipeline or training.create_pipeline)(config, cache=request.cache, **given)
        ir = compat.compile_pipeline(dag, folder.name, request.from_node, _last_node(request, plan))
    if request.from_node and not observer.has_earlier_run():
        raise UsageError(f"there is no earlier run to take what is before {request.from_node} from", "leave --from out")
    for node in config.steps.each:
        if node not in compat.upstream_nodes(ir):
            raise ConfigError(
                f"steps.each: there is no node {node}", suggest_names(node, list(compat.upstream_nodes(ir)))
            )
    observer.measure("import")
    nodes = compat.nodes_to_run(ir)
    screen.open(nodes)
    try:
        with run_services(config), override_beam_argv(), progress.listen(observer.progress, observer.note):
            compat.run_ir(runner, ir, observer, config.steps)
    except (Exception, KeyboardInterrupt):
        if not observer.failures:  # not a node's failure, which the summary tells, but the runner's
            raise
    finally:
        screen.close()
        atomic_write(folder / "timings.json", json.dumps(observer.timings, indent=2) + "\n")
    summary, failure = finalize_run(config, observer, nodes, plan)
    summary.write(folder)
    record_run_ended(config, folder.name, summary)
    terminal_summary.show_summary(screen.console, summary)
    _write_report(config, observer, compat.upstream_nodes(ir))
    mlflow.track_finished_run(config, folder.name, screen.console)
    terminal_summary.show_next_commands(screen.console, summary, folder, config.train, request.followup_config(folder))
    return failure


def _last_node(request: RunRequest, plan: SpanPlan | None) -> str | None:
    """Where the run ends: decided before it starts, for TFX would pass over what has nothing to train on."""
    if plan is None or not plan.ingest_only_reason or request.to_node in INGEST_NODES:
        return request.to_node
    return INGEST_NODES[-1]


def _write_report(config: Config, observer: RunObserver, upstream: dict[str, list[str]]) -> None:
    """Writes the run's report. One that cannot be made is said, and changes nothing about the run."""
    from flightline.reporting.html.write_report import write_report
    from flightline.runs.evaluation_reader import read_curves

    try:
        write_report(config, observer.run_id, upstream, read_curves(observer.run()))
    except Exception as error:
        traceback.print_exc()
        observer.note(f"the report could not be made: {summarize_error(error)}; the log has more")
