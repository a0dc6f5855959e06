"""Reproduce a run: restore its inputs, run it in its own process and workspace, and compare the artifacts."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
    """The result of reproducing a run.

    Attributes:
        run: the run's id.
        folder: the folder of the reproduction; None if it was removed because everything matched.
        exit_code: the run's exit code; None if it is unknown.
        reproduced_exit_code: the exit code of the reproduction.
        last_line: the reproduction's last line on stderr, if the exit codes differ.
        artifacts: the comparison of every artifact of the run.
    """

    run: str
    folder: Path | None
    exit_code: int | None
    reproduced_exit_code: int
    last_line: str
    artifacts: list[ArtifactComparison]

    @property
    def matches(self) -> bool:
        """Whether the exit codes and all artifacts are the same."""
        same_exit_code = self.exit_code is None or self.exit_code == self.reproduced_exit_code
        return same_exit_code and all(artifact.state == "MATCH" for artifact in self.artifacts)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "folder": str(self.folder) if self.folder else None, "matches": self.matches}


def reproduce(
    config: Config, run_id: str, report: ProgressCallback, set_up: bool = False, keep: bool = False
) -> Reproduction:
    """Run an earlier run again and compare every artifact.

    Args:
        report: called with a message at the start of each phase.
        set_up: create an environment if the run had another requirements.lock.
        keep: keep the reproduction's folder even if everything matches.

    Raises:
        UsageError: there is no such run, or it belongs to another pipeline.
        RestoreError: an input of the run cannot be restored; nothing has been run.
    """
    runs = Runs.open(config)
    run = runs.get_in_pipeline(run_id)
    window_records = [read_run_record(config, window_run, GATE_NODE) for window_run in _window_runs(runs, run)]
    run_records = [*window_records, read_run_record(config, run)]
    (config.workspace / "reproduced").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{run.run_id}-", dir=config.workspace / "reproduced")).resolve()
    with hold_lock(folder, IN_USE_LOCK, "a reproduction"):  # so that `flightline gc` does not remove it
        return _rerun_and_compare(config, runs, run_records, folder, report, set_up, keep)


def _rerun_and_compare(
    config: Config,
    runs: Runs,
    run_records: list[RunRecord],
    folder: Path,
    report: ProgressCallback,
    set_up: bool,
    keep: bool,
) -> Reproduction:
    """Reproduce the last of `run_records`, after those that ingested the spans of its window."""
    record = run_records[-1]
    run = record.run
    try:
        report("restoring config, schema, data and code")
        options = []
        for each in run_records:
            options.append(restore_config(each, folder / "from" / each.run.run_id, folder / "workspace"))
            restore_data(each, folder / "from" / each.run.run_id)
        copy_champion(runs.store, run, folder / "workspace" / "metadata.db")
        checkout = restore_code(record.provenance, folder / "code", set_up)
    except RestoreError:
        _remove_reproduction(folder)
        raise
    code, last_line = 0, ""
    for each, runner_options in zip(run_records, options, strict=True):
        report(f"running {each.run.run_id} again" + (f", up to {each.to_node}" if each.to_node else ""))
        code, last_line = _run_subprocess(checkout, each, runner_options, folder)
    reproduction = Runs.open(folder / "workspace" / "metadata.db").get(run.run_id)
    report("comparing artifacts")
    summary = Summary.read_if_valid(config.run_folder(run.run_id))
    exit_code = summary.exit_code if summary else None
    if code == exit_code:
        last_line = ""
    result = Reproduction(run.run_id, folder, exit_code, code, last_line, compare_artifacts(run, reproduction))
    if not result.matches or keep:
        return result
    _remove_reproduction(folder)
    return replace(result, folder=None)


def _remove_reproduction(folder: Path) -> None:
    remove_worktree(folder / "code")
    shutil.rmtree(folder)


def _window_runs(runs: Runs, run: Run) -> list[Run]:
    """Return the runs that ingested the spans which this run was trained on, oldest span first."""
    step = run.steps.get("SpanWindow")
    examples = step.outputs.get("examples", []) if step else []
    run_ids = [runs.producer_run_id(artifact) for artifact in examples]
    return [runs.get(run_id) for run_id in run_ids if run_id]


def _run_subprocess(checkout: Checkout, record: RunRecord, options: list[str], folder: Path) -> tuple[int, str]:
    """Run the recorded run; return its exit code and last line on stderr. Its screen goes to `screen.txt`."""
    runner = record.provenance.run_arguments.get("runner", "local")
    with (folder / "screen.txt").open("ab") as screen:
        completed = subprocess.run(
            [
                str(checkout.python),
                "-c",
                _RUNNER_SCRIPT,
                runner,
                *options,
            ],
            cwd=checkout.folder,
            env=checkout_environment(checkout),
            stdout=screen,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if not (folder / "workspace" / "runs" / record.run.run_id / SUMMARY_JSON).is_file():
        last_line = " ".join(completed.stderr.strip().splitlines()[-1:])
        raise RestoreError(
            f"the run {record.run.run_id} could not be repeated (exit code {completed.returncode}): {last_line}"
        )
    return completed.returncode, " ".join(completed.stderr.strip().splitlines()[-1:])
