"""The life of a run beside training (scoring, monitoring): a DAG without cache, gates or verdict, shown as it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import log
from pipeline.config import Config
from pipeline.engines.arguments import beam_reads_these_arguments
from pipeline.engines.services import services
from pipeline.errors import DONE, FlightlineError, print_last_line
from pipeline.fast import progress
from pipeline.guard import everything_is_ours, sigterm_interrupts
from pipeline.later import load_vertex_later
from pipeline.metadata.run import Run
from pipeline.observer import RunObserver
from pipeline.outcome import failure_of
from pipeline.releases import write_whole
from pipeline.run_lock import IN_USE, alone_in
from pipeline.screen import PLAIN_WIDTH, Screen


@dataclass(frozen=True)
class SideRun:
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


def run_aside(config: Config, folder: Path, side: SideRun, plain: bool) -> int:
    """Runs in a run's new folder; returns the exit code, after the last line of a failure was written to stderr."""
    with alone_in(folder, IN_USE, side.what), log.everything_to(folder / "log.txt") as terminal:
        live = terminal.out.isatty() and not plain
        console = Console(file=terminal.out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        console.print(f"[bold]Flightline[/]  {side.heading}, run [bold]{folder.name}[/]")
        with everything_is_ours() as caught, sigterm_interrupts():
            caught.error = _execute(config, folder, side, Screen(console, live))
        if caught.error is not None:
            print_last_line(terminal.err, caught.error, folder / "log.txt")
            return caught.error.exit_code
        return DONE


def _execute(config: Config, folder: Path, side: SideRun, screen: Screen) -> FlightlineError | None:
    observer = RunObserver(folder.name, config, screen, cache=False, about=side.about or {})
    with screen.status("loading TensorFlow and TFX"):
        log.quiet_libraries()
        load_vertex_later()
        from pipeline import compat

        ir = compat.compile_pipeline(side.create(), folder.name)
    nodes = compat.nodes_to_run(ir)
    screen.open(nodes)
    try:
        with services(config), beam_reads_these_arguments(), progress.listening(observer.progress, observer.note):
            compat.run_ir("local", ir, observer)
    except (Exception, KeyboardInterrupt):
        if not observer.failures:  # not a node's failure, which is told below, but the runner's
            raise
    finally:
        screen.close()
        write_whole(folder / "timings.json", json.dumps(observer.timings, indent=2) + "\n")
    run = observer.run()
    return failure_of(run, nodes, observer.failures, None) or side.show(run, screen.console)
