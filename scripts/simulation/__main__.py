"""`make simulate`: replays the flights of the year month by month, against a model that is never retrained.

The first months train and release a model. Every later month is asked for over HTTP, its labels come back, monitoring
looks at it, an alert starts a run, gates promote or refuse it; once a release is rolled back. It ends with a timeline.
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
from flightline.releases.registry import read_releases
from flightline.releases.server import serving_environment
from flightline.runs.process.log_capture import silence_output
from flightline.utils.terminal import escape
from scripts.simulation.server import free_ports, running_server, write_config
from scripts.simulation.simulation import Month, Simulation, format_month
from scripts.simulation.timeline import show_timeline, write_timeline

LAST_MONTH = 12
INITIAL_MONTHS = 2  # months that are there before anything is served: one to train on, one to judge by


def main(
    data: Annotated[Path, typer.Option(help="All months, span-MM/flights.csv.")] = Path("data/flights"),
    workspace: Annotated[Path, typer.Option(help="Where it all happens; made anew.")] = Path("workspace/simulation"),
    config: Annotated[Path, typer.Option(help="The pipeline.")] = Path("configs/flights_monthly.yaml"),
    last: Annotated[int, typer.Option(help="The last month.", min=INITIAL_MONTHS + 2, max=LAST_MONTH)] = LAST_MONTH,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="a.b=value", help="On top of it.")] = None,
) -> None:
    """Replay the year: serve, log, label, monitor, alert, retrain, promote or refuse, roll back."""
    try:
        code = simulate(config, data, workspace, last, overrides or [])
    except FlightlineError as error:
        print_error(sys.stderr, error)
        code = error.exit_code
    except (RuntimeError, TimeoutError) as error:
        sys.stderr.write(f"flightline: the loop stopped: {error}; {workspace / 'simulation.log'} has more\n")
        code = 1
    silence_output()
    raise typer.Exit(code)


def simulate(config_file: Path, data: Path, workspace: Path, last: int, overrides: list[str]) -> int:
    """The whole story; returns the exit code."""
    if not (serving_environment() / "bin" / "python").is_file():
        raise UsageError(f"the server's environment {serving_environment()} does not exist", "run `make serving-setup`")
    if not (data / f"span-{last:02d}" / "flights.csv").is_file():
        raise UsageError(f"there is no month {last} in {data}", "`make data` makes all of them")
    config = _prepare_workspace(config_file, workspace, overrides)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    loop = Simulation(
        config, workspace / "simulation.yaml", data, lambda line: console.print(escape(line), soft_wrap=True)
    )
    started = time.monotonic()
    first = loop.begin(INITIAL_MONTHS)
    loop.say(
        f"month-01 and month-02: taken in; release {first} is served from now on, and kept as it is beside what follows"
    )
    months: list[Month] = []
    with running_server(config, loop.config_file, workspace / "serve.log"):
        for number in range(INITIAL_MONTHS + 1, last + 1):
            month = loop.live(number, first)
            months.append(month)
            loop.say(format_month(month))
            if _should_roll_back(month, first) and not any(one.rolled_back_to for one in months):
                loop.go_back(month, f"{month.name}: worse than the release that was never retrained")
            loop.keep(months)
        if not any(one.rolled_back_to for one in months) and len(read_releases(config.releases)) > 1:
            loop.drill(months[-1])
            loop.keep(months)
    page = write_timeline(config, months, first)
    show_timeline(console, months, page, time.monotonic() - started)
    return 0


def _should_roll_back(month: Month, first: str) -> bool:
    """Whether whoever is on call would go back: a newer release answered worse than the first one would have."""
    if month.auc is None or month.baseline_auc is None or month.served_release == first or month.new_release:
        return False
    return month.auc < month.baseline_auc


def _prepare_workspace(config_file: Path, workspace: Path, overrides: list[str]) -> Config:
    """The config of the loop, kept as a file in its new workspace."""
    if (workspace / "simulation.yaml").is_file():
        shutil.rmtree(workspace)
    elif workspace.exists() and any(workspace.iterdir()):
        raise UsageError(f"{workspace} is there, and no loop made it", "name another --workspace")
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
