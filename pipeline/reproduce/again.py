"""Doing a run again: everything restored first, then run in a process and a workspace of its own, then compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.metadata.run import Run
from pipeline.metadata.runs import Runs
from pipeline.outcome import GATE
from pipeline.reproduce.champion import carry_champion_over
from pipeline.reproduce.compare import Comparison, compare
from pipeline.reproduce.restore import (
    CannotRestore,
    Checkout,
    Made,
    environment,
    made_from,
    remove_worktree,
    restore_code,
    restore_config,
    restore_data,
)
from pipeline.run_lock import IN_USE, alone_in
from pipeline.summary import SUMMARY

Say = Callable[[str], None]
_RUN = "import sys; from pipeline.options import runner_command; runner_command(sys.argv.pop(1), '')()"


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        run: the run's id.
        folder: where the repetition is; None where it was removed, for all matched.
        exit_code, repeated_exit_code: how the run and its repetition ended.
        last_line: what the repetition had to say at its end, where it ended otherwise than the run.
        artifacts: every one of the run.
    """

    run: str
    folder: Path | None
    exit_code: int | None
    repeated_exit_code: int
    last_line: str
    artifacts: list[Comparison]

    @property
    def matches(self) -> bool:
        ended_alike = self.exit_code is None or self.exit_code == self.repeated_exit_code
        return ended_alike and all(artifact.state == "MATCH" for artifact in self.artifacts)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "folder": str(self.folder) if self.folder else None, "matches": self.matches}


def reproduce(config: Config, run_id: str, say: Say, set_up: bool = False, keep: bool = False) -> Reproduction:
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
    run = runs.get_own(run_id)
    before = [made_from(config, made, to=GATE) for made in _runs_of_window(runs, run)]
    all_of_them = [*before, made_from(config, run)]
    (config.workspace / "reproduced").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{run.run_id}-", dir=config.workspace / "reproduced")).resolve()
    with alone_in(folder, IN_USE, "a repetition"):  # so that `flightline gc` leaves it alone
        return _reproduce(config, runs, all_of_them, folder, say, set_up, keep)


def _reproduce(
    config: Config, runs: Runs, all_of_them: list[Made], folder: Path, say: Say, set_up: bool, keep: bool
) -> Reproduction:
    """The run is the last of them; those before took in the spans that it was trained on."""
    made = all_of_them[-1]
    run = made.run
    try:
        say("restoring config, schema, data and code")
        options = []
        for one in all_of_them:
            options.append(restore_config(one, folder / "from" / one.run.run_id, folder / "workspace"))
            restore_data(one, folder / "from" / one.run.run_id)
        carry_champion_over(runs.store, run, folder / "workspace" / "metadata.db")
        checkout = restore_code(made.origin, folder / "code", set_up)
    except CannotRestore:
        _remove(folder)
        raise
    code, last_line = 0, ""
    for one, words in zip(all_of_them, options, strict=True):
        say(f"running {one.run.run_id} again" + (f", up to {one.to}" if one.to else ""))
        code, last_line = _run(checkout, one, words, folder)
    again = Runs.open(folder / "workspace" / "metadata.db").get(run.run_id)
    say("comparing")
    wanted = _exit_code_of(config, run)
    found = Reproduction(run.run_id, folder, wanted, code, last_line if code != wanted else "", compare(run, again))
    if not found.matches or keep:
        return found
    _remove(folder)
    return Reproduction(**{**vars(found), "folder": None})


def _remove(folder: Path) -> None:
    remove_worktree(folder / "code")
    shutil.rmtree(folder)


def _runs_of_window(runs: Runs, run: Run) -> list[Run]:
    """The runs that took in the spans which this one was trained on, oldest span first."""
    step = run.steps.get("SpanWindow")
    examples = step.outputs.get("examples", []) if step else []
    makers = [runs.maker_of(artifact) for artifact in examples]
    return [runs.get(maker) for maker in makers if maker]


def _run(checkout: Checkout, made: Made, options: list[str], folder: Path) -> tuple[int, str]:
    """Runs it; returns the exit code and the last line on stderr. What it shows goes to `screen.txt`."""
    with (folder / "screen.txt").open("ab") as screen:
        ended = subprocess.run(
            [str(checkout.python), "-c", _RUN, made.origin.asked.get("runner", "local"), *options],
            cwd=checkout.folder,
            env=environment(checkout),
            stdout=screen,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if not (folder / "workspace" / "runs" / made.run.run_id / SUMMARY).is_file():
        shown = " ".join(ended.stderr.strip().splitlines()[-1:])
        raise CannotRestore(f"{made.run.run_id} could not be run again (exit code {ended.returncode}): {shown}")
    return ended.returncode, " ".join(ended.stderr.strip().splitlines()[-1:])


def _exit_code_of(config: Config, run: Run) -> int | None:
    try:
        return int(json.loads((config.run_folder(run.run_id) / SUMMARY).read_text(encoding="utf-8"))["exit_code"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
