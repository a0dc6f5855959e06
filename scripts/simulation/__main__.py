"""`make simulate`: replays the flights of the year month by month, against a model that is never retrained.

The first months train and release a model. For every later month, requests are sent over HTTP, their labels arrive,
monitoring evaluates the month, and an alert starts a retraining, which releases a model or does not. One release is
rolled back. The result is a timeline.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flightline.config.loader import dump_config, load_config
from flightline.config.settings import Config
from flightline.errors import FlightlineError, UsageError, print_error
from flightline.releases.release import read_releases
from flightline.releases.server import serving_environment
from flightline.runs.process.log_capture import silence_output
from flightline.utils.terminal import escape
from scripts.simulation.server import free_ports, running_server, write_config
from scripts.simulation.simulation import Month, Simulation, format_month
from scripts.simulation.timeline import show_timeline, write_timeline

LAST_MONTH = 12
INITIAL_MONTHS = 2  # months before anything is served: one to train on, one to evaluate on


def main(
    data: Annotated[Path, typer.Option(help="The folder with all months, span-MM/flights.csv.")] = Path("data/flights"),
    workspace: Annotated[
        Path, typer.Option(help="The simulation's workspace; an earlier simulation in it is deleted.")
    ] = Path("workspace/simulation"),
    config: Annotated[Path, typer.Option(help="The pipeline's config.")] = Path("configs/flights_monthly.yaml"),
    last_month: Annotated[
        int, typer.Option(help="The last month to replay.", min=INITIAL_MONTHS + 2, max=LAST_MONTH)
    ] = LAST_MONTH,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
    ] = None,
) -> None:
    """Replay the year: serve, log, label, monitor, alert, retrain, release or reject, roll back."""
    try:
        code = simulate(config, data, workspace, last_month, overrides or [])
    except FlightlineError as error:
        print_error(sys.stderr, error)
        code = error.exit_code
    except (RuntimeError, TimeoutError) as error:
        sys.stderr.write(f"flightline: the simulation stopped: {error}; see {workspace / 'simulation.log'}\n")
        code = 1
    silence_output()
    raise typer.Exit(code)


def simulate(config_file: Path, data: Path, workspace: Path, last_month: int, overrides: list[str]) -> int:
    """Run the simulation; returns the exit code."""
    if not (serving_environment() / "bin" / "python").is_file():
        raise UsageError(f"the server's environment {serving_environment()} does not exist", "run `make serving-setup`")
    if not (data / f"span-{last_month:02d}" / "flights.csv").is_file():
        raise UsageError(f"there is no month {last_month} in {data}", "make all of them with `make data`")
    config = _prepare_workspace(config_file, workspace, overrides)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    simulation = Simulation(
        config, workspace / "simulation.yaml", data, lambda line: console.print(escape(line), soft_wrap=True)
    )
    started = time.monotonic()
    first = simulation.train_first_release(INITIAL_MONTHS)
    simulation.report(
        f"month-01 and month-02: ingested; release {first} is served, and stays as the baseline that is never retrained"
    )
    months: list[Month] = []
    with running_server(config, simulation.config_file, workspace / "serve.log"):
        for number in range(INITIAL_MONTHS + 1, last_month + 1):
            month = simulation.run_month(number, first)
            months.append(month)
            simulation.report(format_month(month))
            if _should_roll_back(month, first) and not any(one.rolled_back_to for one in months):
                simulation.roll_back_release(month, f"{month.name}: worse than the baseline that was never retrained")
            simulation.save_timeline(months)
        if not any(one.rolled_back_to for one in months) and len(read_releases(config.releases)) > 1:
            simulation.rollback_drill(months[-1])
            simulation.save_timeline(months)
    page = write_timeline(config, months, first)
    show_timeline(console, months, page, time.monotonic() - started)
    return 0


def _should_roll_back(month: Month, first: str) -> bool:
    """Whether to roll back: a newer release did worse than the first one on the same rows."""
    if month.auc is None or month.baseline_auc is None or month.served_release == first or month.new_release:
        return False
    return month.auc < month.baseline_auc


def _prepare_workspace(config_file: Path, workspace: Path, overrides: list[str]) -> Config:
    """The simulation's config, also saved as a file in its new workspace."""
    if (workspace / "simulation.yaml").is_file():
        shutil.rmtree(workspace)
    elif workspace.exists() and any(workspace.iterdir()):
        raise UsageError(f"{workspace} is not empty, and no simulation made it", "name another --workspace")
    http, grpc, metrics = free_ports(3)
    settings = [
        f"workspace={workspace}",
        f"data.input={workspace / 'data'}",
        f"serving.http_port={http}",
        f"serving.grpc_port={grpc}",
        f"serving.metrics_port={metrics}",
        "serving.poll_s=0.2",
        "monitoring.cooldown_hours=0",  # a year passes in minutes
        "monitoring.retrain={max_per_day: 100, severities: [critical, warning]}",
        *overrides,
    ]
    config = load_config(config_file, settings)
    (workspace / "data").mkdir(parents=True, exist_ok=True)
    write_config(workspace / "simulation.yaml", dump_config(config))
    return config


if __name__ == "__main__":
    typer.run(main)
