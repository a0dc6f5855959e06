"""The life of a run, the same for every DAG: open the log and the screen, compile, run, then show the result.

Training, scoring, monitoring and Dataflow dry runs each describe themselves as a DagRun.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from rich.console import Console

from flightline.config.settings import Config
from flightline.config.steps import StepsConfig
from flightline.engines.arguments import RunnerName
from flightline.engines.services import run_services
from flightline.errors import EXIT_OK, FlightlineError, print_error
from flightline.reporting.progress_table import PLAIN_WIDTH, ProgressDisplay
from flightline.runs.process import log_capture
from flightline.runs.process.error_boundary import error_boundary, interrupt_on_sigterm
from flightline.runs.tfx.observer import RunObserver
from flightline.utils.files import atomic_write
from flightline.utils.lazy_import import lazy_load_vertex

LOG_FILE = "log.txt"  # in a run's folder: everything that the process and its children print
SCREEN_FILE = "screen.txt"  # in a run's folder: the screen of a run that printed nothing
TIMINGS_FILE = "timings.json"  # in a run's folder: time and memory of each step


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        error: why the run failed; None if it succeeded.
        folder: the run's folder; None where the run ended before it had one.
    """

    error: FlightlineError | None
    folder: Path | None

    @property
    def code(self) -> int:
        """The exit code."""
        return self.error.exit_code if self.error else EXIT_OK


@dataclass(frozen=True)
class ScreenOptions:
    """Where and how a run shows its progress.

    Attributes:
        target: "file" is SCREEN_FILE in the run's folder.
        plain: print one line per event instead of a live table.
    """

    target: Literal["stdout", "stderr", "file"] = "stdout"
    plain: bool = False


@dataclass(frozen=True)
class CompletedDag:
    """A DAG after its last node has run, or after one has failed.

    Attributes:
        stdout: the user's stdout, for output that is not part of the screen; sys.stdout is the log.
        nodes: the ids of the nodes that had to run, in topological order.
        upstream: node → the nodes that it depends on.
    """

    observer: RunObserver
    console: Console
    stdout: TextIO
    nodes: list[str]
    upstream: dict[str, list[str]]


def _no_preparation(_: Console) -> None:
    pass


@dataclass(frozen=True)
class DagRun:
    """One run, as its kind describes it to the loop.

    Attributes:
        config: names the metadata store and the engine.
        folder: the run's folder; it exists.
        run_id: the run's id in ML Metadata.
        heading: the first line on the screen, after "Flightline", in rich's markup.
        compile_dag: returns TFX's intermediate representation of the DAG. Called with TFX loaded.
        show_result: called when the DAG has ended. Returns why the run failed; None if it succeeded.
        prepare: called before TFX is loaded.
        runner: TFX's runner.
        cache: whether steps may come from earlier runs.
        limits: retries and time limits of the steps; None for one attempt without a limit.
        properties: facts to save with the run in ML Metadata.
        around_nodes: a context in which the nodes run.
    """

    config: Config
    folder: Path
    run_id: str
    heading: str
    compile_dag: Callable[[], Any]
    show_result: Callable[[CompletedDag], FlightlineError | None]
    prepare: Callable[[Console], None] = _no_preparation
    runner: RunnerName = "local"
    cache: bool = False
    limits: StepsConfig | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    around_nodes: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext


def run_dag(run: DagRun, options: ScreenOptions) -> RunResult:
    """Run a DAG from its log's first line to its last. A failure's last line has been printed when this returns."""
    log_file = run.folder / LOG_FILE
    with log_capture.capture_output(log_file) as terminal, _open_screen(run.folder, terminal, options) as (out, err):
        display = make_display(out, options.plain)
        display.console.print(f"[bold]Flightline[/]  {run.heading}", soft_wrap=True)
        with error_boundary() as caught, interrupt_on_sigterm():
            run.prepare(display.console)
            caught.error = _run_nodes(run, display, terminal.out)
        if caught.error is not None:
            print_error(err, caught.error, log_file)
        return RunResult(caught.error, run.folder)


def make_display(out: TextIO, plain: bool) -> ProgressDisplay:
    """Return a live table where `out` is a terminal, else lines of a fixed width."""
    live = out.isatty() and not plain
    width = None if live else PLAIN_WIDTH
    return ProgressDisplay(Console(file=out, force_terminal=live, width=width, highlight=False), live)


@contextlib.contextmanager
def _open_screen(
    folder: Path, terminal: log_capture.Terminal, options: ScreenOptions
) -> Iterator[tuple[TextIO, TextIO]]:
    """Yield the streams for progress and for the last line of a failure."""
    if options.target == "file":
        with (folder / SCREEN_FILE).open("w", encoding="utf-8") as file:
            yield file, file
    else:
        yield terminal.err if options.target == "stderr" else terminal.out, terminal.err


def _run_nodes(run: DagRun, display: ProgressDisplay, stdout: TextIO) -> FlightlineError | None:
    """Compile the DAG, run its nodes and show the result; return why the run failed."""
    observer = RunObserver(run.run_id, run.config, display, cache=run.cache, properties=dict(run.properties))
    with display.status("loading TensorFlow and TFX"):
        log_capture.quiet_libraries()
        lazy_load_vertex()
        from flightline.runs.tfx import compat

        compat.require_components()
        ir = run.compile_dag()
    observer.measure("import")
    nodes = compat.nodes_to_run(ir)
    display.open(nodes)
    try:
        with run_services(run.config), run.around_nodes():
            compat.run_ir(run.runner, ir, observer, run.limits)
    except (Exception, KeyboardInterrupt):
        if not observer.failures:  # the runner failed, not a node: show_result would not know why
            raise
    finally:
        display.close()
        atomic_write(run.folder / TIMINGS_FILE, json.dumps(observer.timings, indent=2) + "\n")
    return run.show_result(CompletedDag(observer, display.console, stdout, nodes, compat.upstream_nodes(ir)))
