"""Doing a run again: everything restored first, then run in a process and a workspace of its own, then compared."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.reporting.summary import SUMMARY_JSON, Summary
from flightline.runs.outcome import GATE_NODE
from flightline.runs.reproduce.champion import copy_champion
from flightline.runs.reproduce.comparison import ArtifactComparison, compare_artifacts
from flightline.runs.reproduce.restore import (
    Checkout,
    RestoreError,
    RunRecord,
    checkout_environment,
    read_run_record,
    remove_worktree,
    restore_code,
    restore_config,
    restore_data,
)
from flightline.utils.file_lock import IN_USE_LOCK, hold_lock

ProgressCallback = Callable[[str], None]
_RUNNER_SCRIPT = "import sys; from flightline.cli.runner import runner_command; runner_command(sys.argv.pop(1), '')()"


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        run: the run's id.
        folder: where the repetition is; None where it was removed, for all matched.
        exit_code, reproduced_exit_code: how the run and its repetition ended.
        last_line: what the repetition had to say at its end, where it ended otherwise than the run.
        artifacts: every one of the run.
    """

    run: str
    folder: Path | None
    exit_code: int | None
    reproduced_exit_code: int
    last_line: str
    artifacts: list[ArtifactComparison]

    @property
    def matches(self) -> bool:
        same_exit_code = self.exit_code is None or self.exit_code == self.reproduced_exit_code
        return same_exit_code and all(artifact.state == "MATCH" for artifact in self.artifacts)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "folder": str(self.folder) if self.folder else None, "matches": self.matches}


def reproduce(
    config: Config, run_id: str, say: ProgressCallback, set_up: bool = False, keep: bool = False
) -> Reproduction:
    """Runs an earlier run again and compares every artifact.

    Args:
        say: is told what is being done.
        set_up: make an environment where the run had another requirements.lock.
        keep: keep the repetition also where all matches.

    Raises:
        UsageError: there is no such run, or it is another pipeline's.
        CannotRestore: something that it was made from is not to be had; nothing has been run.
    """
    runs = Runs.open(config)
    run = runs.get_in_pipeline(run_id)
    before = [read_run_record(config, made, to=GATE_NODE) for made in _window_runs(runs, run)]
    run_records = [*before, read_run_record(config, run)]
    (config.workspace / "reproduced").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{run.run_id}-", dir=config.workspace / "reproduced")).resolve()
    with hold_lock(folder, IN_USE_LOCK, "a repetition"):  # so that `flightline gc` leaves it alone
        return _rerun_and_compare(config, runs, run_records, folder, say, set_up, keep)


def _rerun_and_compare(
    config: Config,
    runs: Runs,
    run_records: list[RunRecord],
    folder: Path,
    say: ProgressCallback,
    set_up: bool,
    keep: bool,
) -> Reproduction:
    """The run is the last of them; those before took in the spans that it was trained on."""
    made = run_records[-1]
    run = made.run
    try:
        say("restoring config, schema, data and code")
        options = []
        for one in run_records:
            options.append(restore_config(one, folder / "from" / one.run.run_id, folder / "workspace"))
            restore_data(one, folder / "from" / one.run.run_id)
        copy_champion(runs.store, run, folder / "workspace" / "metadata.db")
        checkout = restore_code(made.origin, folder / "code", set_up)
    except RestoreError:
        _remove_reproduction(folder)
        raise
    code, last_line = 0, ""
    for one, words in zip(run_records, options, strict=True):
        say(f"running {one.run.run_id} again" + (f", up to {one.to}" if one.to else ""))
        code, last_line = _run_subprocess(checkout, one, words, folder)
    again = Runs.open(folder / "workspace" / "metadata.db").get(run.run_id)
    say("comparing")
    summary = Summary.read_if_valid(config.run_folder(run.run_id))
    wanted = summary.exit_code if summary else None
    found = Reproduction(
        run.run_id, folder, wanted, code, last_line if code != wanted else "", compare_artifacts(run, again)
    )
    if not found.matches or keep:
        return found
    _remove_reproduction(folder)
    return Reproduction(**{**vars(found), "folder": None})


def _remove_reproduction(folder: Path) -> None:
    remove_worktree(folder / "code")
    shutil.rmtree(folder)


def _window_runs(runs: Runs, run: Run) -> list[Run]:
    """The runs that took in the spans which this one was trained on, oldest span first."""
    step = run.steps.get("SpanWindow")
    examples = step.outputs.get("examples", []) if step else []
    makers = [runs.producer_run_id(artifact) for artifact in examples]
    return [runs.get(maker) for maker in makers if maker]


def _run_subprocess(checkout: Checkout, made: RunRecord, options: list[str], folder: Path) -> tuple[int, str]:
    """Runs it; returns the exit code and the last line on stderr. What it shows goes to `screen.txt`."""
    with (folder / "screen.txt").open("ab") as screen:
        ended = subprocess.run(
            [str(checkout.python), "-c", _RUNNER_SCRIPT, made.origin.run_arguments.get("runner", "local"), *options],
            cwd=checkout.folder,
            env=checkout_environment(checkout),
            stdout=screen,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if not (folder / "workspace" / "runs" / made.run.run_id / SUMMARY_JSON).is_file():
        shown = " ".join(ended.stderr.strip().splitlines()[-1:])
        raise RestoreError(f"{made.run.run_id} could not be run again (exit code {ended.returncode}): {shown}")
    return ended.returncode, " ".join(ended.stderr.strip().splitlines()[-1:])
