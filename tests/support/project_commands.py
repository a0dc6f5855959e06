"""What a user types for a table of their own, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FLIGHTLINE = ("-c", "from flightline.cli.main import main; main()")


class ProjectCommands:
    """Commands that are run in `folder`."""

    config = ("--config", "configs/own.yaml")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def python(self, *words: Any) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, *(str(word) for word in words)]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900)

    def flightline(self, *words: Any) -> subprocess.CompletedProcess[str]:
        return self.python(*FLIGHTLINE, *words)

    def init(self, file: Any, *words: str) -> None:
        """Writes configs/own.yaml for a table."""
        said = self.flightline("init", file, *words, "--name", "own")
        assert said.returncode == 0, said.stderr

    def run(self) -> subprocess.CompletedProcess[str]:
        """Runs what `init` wrote; a loaded machine may answer slowly."""
        return self.python(ROOT / "runner_local.py", *self.config, "--set", "serving_check.latency_ms=2000")

    @property
    def summary(self) -> dict[str, Any]:
        """Of the one training run."""
        [file] = self.folder.glob("workspace/runs/*/summary.json")
        return json.loads(file.read_text())
