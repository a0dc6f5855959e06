"""Runs next to training: scoring and monitoring. Their DAGs have no cache, no gate and no release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from flightline.config.settings import Config
from flightline.errors import FlightlineError
from flightline.metadata.run import Run
from flightline.runs.outcome import find_failure
from flightline.runs.run_loop import CompletedDag, DagRun, ScreenOptions, run_dag
from flightline.utils.file_lock import IN_USE_LOCK, hold_lock


@dataclass(frozen=True)
class AuxiliaryRun:
    """What one kind of auxiliary run does.

    Attributes:
        kind: "scoring" or "monitoring"; others see it as the holder of the folder's lock.
        heading: the first line on the screen, in rich's markup.
        create_dag: returns the DAG. Called with TFX loaded.
        show_result: shows the result of a run whose nodes all succeeded. Returns why the run failed nevertheless.
    """

    kind: str
    heading: str
    create_dag: Callable[[], Any]
    show_result: Callable[[Run, Console], FlightlineError | None]


def run_auxiliary(config: Config, folder: Path, auxiliary_run: AuxiliaryRun, plain: bool) -> int:
    """Run in a new run folder; return the exit code. A failure's last line has been printed when this returns."""

    def compile_dag() -> Any:
        from flightline.runs.tfx import compat

        return compat.compile_pipeline(auxiliary_run.create_dag(), folder.name)

    def show_result(dag: CompletedDag) -> FlightlineError | None:
        run = dag.observer.run()
        failure = find_failure(run, dag.nodes, dag.observer.failures, None)
        return failure or auxiliary_run.show_result(run, dag.console)

    heading = f"{auxiliary_run.heading}, run [bold]{folder.name}[/]"
    dag_run = DagRun(config, folder, folder.name, heading, compile_dag, show_result)
    with hold_lock(folder, IN_USE_LOCK, auxiliary_run.kind):
        return run_dag(dag_run, ScreenOptions(plain=plain)).code
