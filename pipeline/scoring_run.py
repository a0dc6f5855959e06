"""The life of one scoring run, from files to predictions: what `flightline score` does."""

from __future__ import annotations

import glob
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pipeline import log
from pipeline.config import Config
from pipeline.config_file import dump_config
from pipeline.engines.arguments import beam_reads_these_arguments
from pipeline.engines.checks import check_engine
from pipeline.engines.services import services
from pipeline.errors import DONE, FlightlineError, InputError, StepFailed, UsageError, print_last_line
from pipeline.fast import progress
from pipeline.fast.ingest.tables import open_table
from pipeline.later import load_vertex_later
from pipeline.launch import PLAIN_WIDTH, everything_is_ours, new_run_folder, sigterm_interrupts
from pipeline.metadata.released_model import ReleasedModel, released_model
from pipeline.metadata.runs import Run, Runs
from pipeline.observer import RunObserver
from pipeline.outcome import failure_of
from pipeline.releases import write_whole
from pipeline.run_lock import IN_USE, alone_in
from pipeline.screen import Screen

SUMMARY = "scored.json"  # its file, in the folder of the run
SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".pq")


@dataclass(frozen=True)
class ScoreRequest:
    """What a user asks to be scored.

    Attributes:
        inputs: paths and globs of CSV and Parquet files, or folders of such.
        output: the folder for predictions and rejected rows.
        version: of the release; the current one where it is None.
        run_id: names the run; made of the time where it is None.
        plain: one line an event instead of a live table.
    """

    inputs: Sequence[str]
    output: Path
    version: str | None = None
    run_id: str | None = None
    plain: bool = False


def score(config: Config, request: ScoreRequest) -> int:
    """Scores files as asked; returns the exit code, after the last line of a failure has been written to stderr."""
    try:
        require_output(request.output)
        check_engine(config)
        released = released_model(Runs.open(config), config, request.version)
        files = find_inputs(request.inputs)
        check_columns(files, released)
        folder = new_run_folder(config, request.run_id or f"score-{time.strftime('%Y%m%d-%H%M%S')}")
    except FlightlineError as error:
        print_last_line(sys.stderr, error)
        return error.exit_code
    write_whole(folder / "config.yaml", dump_config(config))
    with alone_in(folder, IN_USE, "scoring"), log.everything_to(folder / "log.txt") as terminal:
        live = terminal.out.isatty() and not request.plain
        console = Console(file=terminal.out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        console.print(
            f"[bold]Flightline[/]  scoring {len(files)} file{'s'[: len(files) > 1]} with release "
            f"[bold]{released.version}[/] of [bold]{config.name}[/], run [bold]{folder.name}[/]"
        )
        with everything_is_ours() as caught, sigterm_interrupts():
            caught.error = _execute(config, request, files, released, folder, Screen(console, live))
        if caught.error is not None:
            print_last_line(terminal.err, caught.error, folder / "log.txt")
            return caught.error.exit_code
        return DONE


def find_inputs(inputs: Sequence[str]) -> list[Path]:
    """The files that are asked for, each once, in order.

    Raises:
        InputError: a name matches nothing, or a file is neither CSV nor Parquet.
    """
    found: dict[Path, None] = {}
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            matches = sorted(one for one in path.rglob("*") if one.is_file() and one.name.endswith(SUFFIXES))
        else:
            matches = [path] if path.is_file() else sorted(map(Path, glob.glob(name, recursive=True)))  # noqa: PTH207
        if not matches:
            raise InputError(f"--input {name}: there is no such file", "name CSV or Parquet files, globs or folders")
        for match in matches:
            if not match.name.endswith(SUFFIXES):
                raise InputError(f"--input {match} is neither CSV nor Parquet", f"its name must end in {SUFFIXES}")
            if "{" in match.name or "{" in str(match.resolve()):
                raise InputError(f"--input {match}: TFX takes braces for a span", "rename the file or its folder")
            found[match] = None
    return list(found)


def check_columns(files: Sequence[Path], released: ReleasedModel) -> None:
    """Refuses files that lack a column without which the model answers nothing.

    Raises:
        InputError: one does, or has no readable header.
    """
    required = [one["name"] for one in released.inputs if one.get("required")]
    for file in files:
        columns = open_table(str(file)).columns
        if missing := [name for name in required if name not in columns]:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InputError(
                f"{file}: the column {missing[0]}{more} is missing, which release {released.version} requires",
                f"the header has {', '.join(columns[:30])}",
            )


def _execute(
    config: Config,
    request: ScoreRequest,
    files: Sequence[Path],
    released: ReleasedModel,
    folder: Path,
    screen: Screen,
) -> FlightlineError | None:
    """Runs the DAG and shows what came of it; returns why it is not done, or None where it is."""
    observer = RunObserver(folder.name, config.metadata_db, screen, cache=False)
    with screen.status("loading TensorFlow and TFX"):
        log.quiet_libraries()
        load_vertex_later()
        from pipeline import compat, scoring

        job = scoring.ScoringJob(files, released, request.output.resolve(), int(time.time()))
        ir = compat.compile_pipeline(scoring.create_pipeline(config, job), folder.name)
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
    if failure := failure_of(run, nodes, observer.failures, None):
        return failure
    return _show(run, request, folder, screen.console)


def _show(run: Run, request: ScoreRequest, folder: Path, console: Console) -> FlightlineError | None:
    artifact = run.steps["PredictionWriter"].output("predictions")
    rows = run.rows
    if artifact is None or rows is None:
        return StepFailed("PredictionWriter left no record of what it wrote", "the log has more")
    written = json.loads(Path(artifact.uri).read_text(encoding="utf-8"))
    write_whole(folder / SUMMARY, json.dumps(written, indent=2) + "\n")
    reasons = {reason: count for reason, count in rows.rejected.items() if reason != "missing_label"}  # none is needed
    rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in reasons.items())
    console.print(f"[bold]Rows[/]         read {rows.read:,} = predicted {written['rows']:,}{rejected}")
    console.print(f"[bold]Predictions[/]  {request.output / Path(written['predictions']).name}", soft_wrap=True)
    if any(rows.rejected.values()):
        console.print(f"[bold]Rejected[/]     {request.output / 'rejected.csv'}", soft_wrap=True)
    return None


def require_output(output: Path) -> None:
    """Raises UsageError where the output folder cannot be one."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file", "name a folder")
