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

from models.settings import suggestion
from pipeline import audit, log, summary_screen, tracking
from pipeline.config import Config
from pipeline.config_file import DEFAULT_CONFIG, check_against_data, load_config, require_thresholds
from pipeline.engines.arguments import RunnerName, beam_reads_these_arguments
from pipeline.engines.checks import check_engine
from pipeline.engines.services import services
from pipeline.errors import DONE, ConfigError, FlightlineError, UsageError, in_one_line, print_last_line
from pipeline.fast import progress
from pipeline.guard import everything_is_ours, sigterm_interrupts
from pipeline.later import load_vertex_later
from pipeline.machine import which_stack
from pipeline.observer import RunObserver
from pipeline.permissions import nobody_else_writes
from pipeline.pipeline_lock import alone_at
from pipeline.recovery import clear_up, unfinished
from pipeline.releases import write_whole
from pipeline.report.origin import ORIGIN, about_run, origin_of
from pipeline.run_events import run_ended, run_started
from pipeline.run_folder import new_run_folder
from pipeline.screen import PLAIN_WIDTH, Screen
from pipeline.spans import SpanPlan, plan_span, settle_span
from pipeline.summary import SUMMARY
from pipeline.unchanged import KEY, Earlier, earlier_run, run_key

CreatePipeline = Callable[..., Any]
SCREEN = "screen.txt"  # in a run's folder: what it would have shown, where the terminal is left to others
# What a run does with a span that is only taken in ends at the gate; these are the nodes before it, and it.
TAKE_IN = ("ExampleGen", "StatisticsGen", "CuratedSchema", "ExampleValidator", "PreviousStatistics", "DataGate")


@dataclass(frozen=True)
class Request:
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
    def asks_for_whatever_is_new(self) -> bool:
        """Whether there is nothing to do where nothing has changed: no run, part or fresh start was asked for."""
        return self.cache and not (self.run_id or self.from_node or self.to_node or self.override)

    def config_to_name(self, folder: Path) -> Path | None:
        """The config that a later command has to name to find this run; None where it is the default one."""
        if any(override.startswith(("workspace=", "name=")) for override in self.overrides):
            return folder / "config.yaml"
        return None if self.config == DEFAULT_CONFIG else self.config


@dataclass(frozen=True)
class Ended:
    """How a run ended: why it is not done, None where it is; its folder, None where it did not get to have one."""

    error: FlightlineError | None
    folder: Path | None

    @property
    def code(self) -> int:
        return self.error.exit_code if self.error else DONE


def run(request: Request, runner: RunnerName, create_pipeline: CreatePipeline | None = None) -> int:
    """Runs a DAG as asked; returns the exit code, after the last line of a failure has been written to stderr.

    `create_pipeline(config, cache=...)` is `pipeline.training.create_pipeline` unless another is given.
    """
    return carry_out(request, runner, create_pipeline).code


def carry_out(request: Request, runner: RunnerName, create_pipeline: CreatePipeline | None = None) -> Ended:
    """As `run`, for whoever wants to know more than the exit code."""
    nobody_else_writes()
    try:
        request, config = _settled(request)
        check_engine(config)
        require_thresholds(config)
        say = partial(print, file=sys.stderr, flush=True)
        with alone_at(config, "a run", request.wait_s, say):
            return _carry_out(request, config, runner, create_pipeline)
    except FlightlineError as error:
        if not request.aside:
            print_last_line(sys.stderr, error)
        return Ended(error, None)


def _settled(request: Request) -> tuple[Request, Config]:
    """The request and its config, of the run that is to be resumed where one is."""
    config = load_config(request.config, request.overrides)
    if request.resume:
        left = unfinished(config)
        request = replace(request, config=left.config, overrides=(), to_node=left.to_node, run_id=left.next_id)
        config = load_config(left.config)
    return request, settle_span(config)


def _carry_out(request: Request, config: Config, runner: RunnerName, create_pipeline: CreatePipeline | None) -> Ended:
    """Runs, nobody else being at work in the workspace."""
    files = check_against_data(config)
    plan = plan_span(config)
    key = run_key(config, files, plan.window if plan else ())
    if request.asks_for_whatever_is_new and (earlier := earlier_run(config, key)):
        return _nothing_new(config, earlier, request)
    asked = {"runner": runner, "to": request.to_node or "", "reason": request.reason}
    about = {KEY: key + "\n", ORIGIN: origin_of(config, files, asked).to_json()}
    folder = new_run_folder(config, request.run_id, plan.name if plan else "", about)
    with log.everything_to(folder / "log.txt") as terminal, contextlib.ExitStack() as stack:
        out, err = terminal.out, terminal.err
        if request.aside:
            out = err = stack.enter_context((folder / SCREEN).open("w", encoding="utf-8"))
        live = out.isatty() and not request.plain
        console = Console(file=out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        console.print(
            f"[bold]Flightline[/]  pipeline [bold]{config.name}[/], run [bold]{folder.name}[/], {which_stack()}"
        )
        with everything_is_ours() as caught, sigterm_interrupts():
            for step in clear_up(config):
                console.print(f"{step} was cut off: marked as abandoned, its files removed")
                audit.record(config.workspace, "abandoned", step=step)
            run_started(config, folder, runner)
            caught.error = _execute(config, folder, request, runner, Screen(console, live), create_pipeline, plan)
        if caught.error is not None:
            print_last_line(err, caught.error, folder / "log.txt")
        return Ended(caught.error, folder)


def _nothing_new(config: Config, earlier: Earlier, request: Request) -> Ended:
    if request.aside:
        return Ended(None, earlier.folder)
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    run_id = earlier.summary.run_id
    console.print(f"[bold]Nothing has changed[/] since run [bold]{run_id}[/], and its release is current:")
    console.print("same data, schema, config, code and lock. --no-cache runs it all again.")
    summary_screen.show(console, earlier.summary)
    named = request.config_to_name(earlier.folder)
    summary_screen.show_next(console, earlier.summary, earlier.folder, config.train, named)
    return Ended(None, earlier.folder)


def _execute(
    config: Config,
    folder: Path,
    request: Request,
    runner: RunnerName,
    screen: Screen,
    create_pipeline: CreatePipeline | None,
    plan: SpanPlan | None,
) -> FlightlineError | None:
    """Runs the DAG and shows what came of it; returns why it is not done, or None where it is."""
    observer = RunObserver(folder.name, config, screen, cache=request.cache, about=about_run(folder))
    with screen.status("loading TensorFlow and TFX"):
        log.quiet_libraries()
        load_vertex_later()
        from pipeline import compat, training
        from pipeline.summarise import summarise

        compat.require_components()
        asked = {"resumed": folder.name if request.resume else "", "override": request.override}
        given: dict[str, Any] = {name: value for name, value in asked.items() if value}
        dag = (create_pipeline or training.create_pipeline)(config, cache=request.cache, **given)
        ir = compat.compile_pipeline(dag, folder.name, request.from_node, _to_node(request, plan))
    if request.from_node and not observer.has_earlier_run():
        raise UsageError(f"there is no earlier run to take what is before {request.from_node} from", "leave --from out")
    for node in config.steps.each:
        if node not in compat.upstream_nodes(ir):
            raise ConfigError(f"steps.each: there is no node {node}", suggestion(node, list(compat.upstream_nodes(ir))))
    observer.measure("import")
    nodes = compat.nodes_to_run(ir)
    screen.open(nodes)
    try:
        with services(config), beam_reads_these_arguments(), progress.listening(observer.progress, observer.note):
            compat.run_ir(runner, ir, observer, config.steps)
    except (Exception, KeyboardInterrupt):
        if not observer.failures:  # not a node's failure, which the summary tells, but the runner's
            raise
    finally:
        screen.close()
        write_whole(folder / "timings.json", json.dumps(observer.timings, indent=2) + "\n")
    summary, failure = summarise(config, observer, nodes, plan)
    write_whole(folder / SUMMARY, json.dumps(summary.to_dict(), indent=2) + "\n")
    run_ended(config, folder.name, summary)
    summary_screen.show(screen.console, summary)
    _report(config, observer, compat.upstream_nodes(ir))
    tracking.after_run(config, folder.name, screen.console)
    summary_screen.show_next(screen.console, summary, folder, config.train, request.config_to_name(folder))
    return failure


def _to_node(request: Request, plan: SpanPlan | None) -> str | None:
    """Where the run ends: decided before it starts, for TFX would pass over what has nothing to train on."""
    if plan is None or not plan.only_taken_in or request.to_node in TAKE_IN:
        return request.to_node
    return TAKE_IN[-1]


def _report(config: Config, observer: RunObserver, upstream: dict[str, list[str]]) -> None:
    """Writes the run's report. One that cannot be made is said, and changes nothing about the run."""
    from pipeline.evaluation_files import read_curves
    from pipeline.report.write import make_report

    try:
        make_report(config, observer.run_id, upstream, read_curves(observer.run()))
    except Exception as error:
        traceback.print_exc()
        observer.note(f"the report could not be made: {in_one_line(error)}; the log has more")
