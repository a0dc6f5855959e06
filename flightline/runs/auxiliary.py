"""The life of a run beside training (scoring, monitoring): a DAG without cache, gates or verdict, shown as it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from flightline.config.settings import Config
from flightline.engines.arguments import override_beam_argv
from flightline.engines.services import run_services
from flightline.errors import EXIT_OK, FlightlineError, print_error
from flightline.executors import progress
from flightline.metadata.run import Run
from flightline.reporting.progress_table import PLAIN_WIDTH, ProgressDisplay
from flightline.runs.outcome import find_failure
from flightline.runs.process import log_capture
from flightline.runs.process.error_boundary import error_boundary, interrupt_on_sigterm
from flightline.runs.tfx.observer import RunObserver
from flightline.utils.file_lock import IN_USE_LOCK, hold_lock
from flightline.utils.files import atomic_write
from flightline.utils.lazy_import import lazy_load_vertex


@dataclass(frozen=True)
class AuxiliaryRun:
    """What is run.

    Attributes:
        what: "scoring", "monitoring". heading: its first line, in rich's markup.
        create: makes the DAG; may import TensorFlow.
        show: says what came of it; returns why it is not done, or None where it is.
        about: facts to keep in ML Metadata with the run as a whole.
    """

    what: str
    heading: str
    create: Callable[[], Any]
    show: Callable[[Run, Console], FlightlineError | None]
    about: dict[str, str] | None = None


def run_auxiliary(config: Config, folder: Path, side: AuxiliaryRun, plain: bool) -> int:
    """Runs in a run's new folder; returns the exit code, after the last line of a failure was written to stderr."""
    with hold_lock(folder, IN_USE_LOCK, side.what), log_capture.capture_output(folder / "log.txt") as terminal:
        live = terminal.out.isatty() and not plain
        console = Console(file=terminal.out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        console.print(f"[bold]Flightline[/]  {side.heading}, run [bold]{folder.name}[/]")
        with error_boundary() as caught, interrupt_on_sigterm():
            caught.error = _run_dag(config, folder, side, ProgressDisplay(console, live))
        if caught.error is not None:
            print_error(terminal.err, caught.error, folder / "log.txt")
            return caught.error.exit_code
        return EXIT_OK


def _run_dag(config: Config, folder: Path, side: AuxiliaryRun, screen: ProgressDisplay) -> FlightlineError | None:
    observer = RunObserver(folder.name, config, screen, cache=False, about=side.about or {})
    with screen.status("loading TensorFlow and TFX"):
        log_capture.quiet_libraries()
        lazy_load_vertex()
        from flightline.runs.tfx import compat

        ir = compat.compile_pipeline(side.create(), folder.name)
    nodes = compat.nodes_to_run(ir)
    screen.open(nodes)
    try:
        with run_services(config), override_beam_argv(), progress.listen(observer.progress, observer.note):
            compat.run_ir("local", ir, observer)
    except (Exception, KeyboardInterrupt):
        if not observer.failures:  # not a node's failure, which is told below, but the runner's
            raise
    finally:
        screen.close()
        atomic_write(folder / "timings.json", json.dumps(observer.timings, indent=2) + "\n")
    run = observer.run()
    return find_failure(run, nodes, observer.failures, None) or side.show(run, screen.console)
