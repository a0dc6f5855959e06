"""Runs the pipeline as a user does: a command, its screen, its exit code, and what it left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preloaded_python import TIMEOUT_S, PreloadedPython

from flightline.releases.release import current_version

ROOT = Path(__file__).resolve().parents[2]
QUICK_TRAINING = (
    "train.min_steps_per_epoch=30",
    "model.trees=10",
)  # enough for what the tests ask of a model, in half the time
# A fortieth of the year cannot reach what the year must; the gates' own tests set their own thresholds.
LENIENT_SETTINGS = (
    "evaluation.thresholds={AUC: {lower: 0.7, vs_champion: 0.05}}",
    "evaluation.per_slice=[{slice: [origin], thresholds: {AUC: {lower: 0.6}}}]",
    "serving_check.latency_ms=1000",  # the machine of the tests does other things as well
    *QUICK_TRAINING,
)


@dataclass(frozen=True)
class Result:
    """What a run showed and left.

    Attributes:
        current: the current release when it ended.
    """

    code: int
    out: str
    err: str
    workspace: Path
    run_id: str
    current: str | None

    @property
    def folder(self) -> Path:
        return self.workspace / "runs" / self.run_id

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    @property
    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1]

    @property
    def steps(self) -> dict[str, Any]:
        """The steps as ML Metadata has them."""
        from flightline.config.loader import load_config
        from flightline.metadata.runs import Runs

        file = self.workspace / "metadata.db"
        store = file if file.is_file() else load_config(self.folder / "config.yaml")  # which names a server
        return Runs.open(store).get(self.run_id).steps

    @property
    def released(self) -> list[str]:
        """The versions in `releases/`, whether finished or not."""
        return sorted(path.name for path in (self.workspace / "releases").glob("*/*") if path.name.isdigit())


def runner_command(
    workspace: Path,
    data: Path,
    run_id: str | None,
    *options: str,
    script: str | Path = "runner_local.py",
    settings: tuple[str, ...] = LENIENT_SETTINGS,
) -> list[str]:
    """The words after `python` that run a runner on `data`; `options` come after ours, so that they have the last."""
    words = [str(script), *(["--run-id", run_id] if run_id else [])]
    for setting in (f"workspace={workspace}", f"data.input={data}", *settings):
        words += ["--set", setting]
    return [*words, *options]


def start_pipeline(*what: Any, modules: Path | None = None, **how: Any) -> subprocess.Popen[str]:
    """Starts a runner in a fresh process; takes what `command_of` takes. `modules` is a folder with user code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *([str(modules)] if modules else [])])}
    pipe = subprocess.PIPE
    command = [sys.executable, *runner_command(*what, **how)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def run_pipeline(
    workspace: Path,
    data: Path,
    run_id: str | None,
    *options: str,
    modules: Path | None = None,
    preloaded: PreloadedPython | None = None,
    kill_after_s: float = 0.0,
    limits: dict[str, int] | None = None,
    **how: Any,
) -> Result:
    """Runs a runner to its end: in a fresh process, or in one that has TFX imported already. Takes what
    `command_of` takes."""
    if preloaded is None:
        process = start_pipeline(workspace, data, run_id, *options, modules=modules, **how)
        out, err = process.communicate(timeout=TIMEOUT_S)
        code = process.returncode
    else:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "out", Path(folder) / "err"
            command = runner_command(workspace, data, run_id, *options, **how)
            code = preloaded(command, *files, modules, kill_after_s, limits)
            out, err = (file.read_text() for file in files)
    current = current_version(workspace / "releases" / "flights")
    return Result(code, out, err, workspace, run_id or "latest", current)


def run_flightline(workspace: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """The `flightline` command on a workspace."""
    config = workspace / "flights.yaml"
    config.write_text(
        (ROOT / "configs" / "flights.yaml").read_text().replace("workspace: workspace", f"workspace: {workspace}")
    )
    command = [
        sys.executable,
        "-c",
        "from flightline.cli.main import main; main()",
        *arguments,
        "--config",
        str(config),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)
