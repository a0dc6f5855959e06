"""The scoring run, from files to predictions: what `flightline score` does."""

from __future__ import annotations

import glob
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from flightline.config.settings import Config
from flightline.engines.validation import check_engine
from flightline.errors import FlightlineError, InputError, StepFailed, UsageError, print_error
from flightline.executors.example_gen.tables import open_table
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.releases.model_artifact import ReleasedModel, find_released_model
from flightline.reporting.html.data import SCORING_JSON
from flightline.runs.auxiliary import AuxiliaryRun, run_auxiliary
from flightline.runs.state.run_folder import create_run_folder
from flightline.utils.dotted_path import load_function
from flightline.utils.files import atomic_write
from flightline.utils.suggestions import suggest_names
from flightline.utils.terminal import escape

TABLE_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".pq")


@dataclass(frozen=True)
class ScoreRequest:
    """The arguments of a scoring run.

    Attributes:
        inputs: paths or globs of CSV and Parquet files, or folders of them.
        output: the folder for predictions and rejected rows.
        version: the release to score with; None for the current one.
        run_id: the run's id; made from the time where it is None.
        plain: print one line per event instead of a live table.
    """

    inputs: Sequence[str]
    output: Path
    version: str | None = None
    run_id: str | None = None
    plain: bool = False


def run_scoring(config: Config, request: ScoreRequest) -> int:
    """Score files; return the exit code. A failure's last line has been written to stderr."""
    try:
        check_output_folder(request.output)
        check_engine(config)
        released = find_released_model(Runs.open(config), config, request.version)
        files = find_input_files(request.inputs)
        check_columns(files, released, config.scoring.id_columns)
        folder = create_run_folder(config, request.run_id or f"score-{time.strftime('%Y%m%d-%H%M%S')}")
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code

    def create_dag() -> Any:
        from flightline.components.scoring_job import ScoringJob

        create_pipeline = load_function("user_code.scoring_pipeline", config.user_code.scoring_pipeline)
        return create_pipeline(config, ScoringJob(files, released, request.output.resolve(), int(time.time())))

    heading = (
        f"scoring {len(files)} file{'s'[: len(files) > 1]} with release [bold]{escape(released.version)}[/] of"
        f" [bold]{config.name}[/]"
    )
    show_result = partial(_show_result, request=request, folder=folder)
    return run_auxiliary(config, folder, AuxiliaryRun("scoring", heading, create_dag, show_result), request.plain)


def find_input_files(inputs: Sequence[str]) -> list[Path]:
    """Return the files that `--input` names, each once, in order.

    Raises:
        InputError: a name matches no file, or a file is neither CSV nor Parquet.
    """
    found: dict[Path, None] = {}
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            matches = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(TABLE_SUFFIXES))
        else:
            matches = [path] if path.is_file() else sorted(map(Path, glob.glob(name, recursive=True)))  # noqa: PTH207
        if not matches:
            raise InputError(f"--input {name}: there is no such file", "name CSV or Parquet files, globs or folders")
        for match in matches:
            if not match.name.endswith(TABLE_SUFFIXES):
                raise InputError(
                    f"--input {match} is neither CSV nor Parquet", f"its name must end in {TABLE_SUFFIXES}"
                )
            if "{" in match.name or "{" in str(match.resolve()):
                raise InputError(
                    f"--input {match}: TFX reads braces in a path as a span", "rename the file or its folder"
                )
            found[match] = None
    return list(found)


def check_columns(files: Sequence[Path], released: ReleasedModel, id_columns: Sequence[str]) -> None:
    """Check that every file has the columns that the release requires and those of `scoring.id_columns`.

    Raises:
        InputError: a file lacks such a column, or has no readable header.
    """
    required = [column["name"] for column in released.inputs if column.get("required")]
    for file in files:
        columns = open_table(str(file)).columns
        if missing := [name for name in required if name not in columns]:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InputError(
                f"{file}: the column {missing[0]}{more} is missing, which release {released.version} requires",
                f"the header has {', '.join(columns[:30])}",
            )
        if absent := [name for name in id_columns if name not in columns]:
            raise InputError(
                f"{file}: there is no column {absent[0]}, which scoring.id_columns names",
                suggest_names(absent[0], columns),
            )


def _show_result(run: Run, console: Console, request: ScoreRequest, folder: Path) -> FlightlineError | None:
    artifact = run.steps["PredictionWriter"].output("predictions")
    rows = run.rows
    if artifact is None or rows is None:
        return StepFailed("PredictionWriter recorded no predictions", "see the log")
    written = json.loads(Path(artifact.uri).read_text(encoding="utf-8"))
    atomic_write(folder / SCORING_JSON, json.dumps(written, indent=2) + "\n")
    reasons = {
        reason: count for reason, count in rows.rejected.items() if reason != "missing_label"
    }  # scoring needs no label
    rejected = "".join(f" + {reason.replace('_', ' ')} {count:,}" for reason, count in reasons.items())
    console.print(f"[bold]Rows[/]         read {rows.read:,} = predicted {written['rows']:,}{rejected}")
    console.print(
        f"[bold]Predictions[/]  {escape(str(request.output / Path(written['predictions']).name))}", soft_wrap=True
    )
    if any(rows.rejected.values()):
        console.print(f"[bold]Rejected[/]     {escape(str(request.output / 'rejected.csv'))}", soft_wrap=True)
    return None


def check_output_folder(output: Path) -> None:
    """Raise UsageError if the output folder is a file."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file", "name a folder")
