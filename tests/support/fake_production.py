"""What a server leaves of its requests, without a server: a prediction log and labels for it, and the commands that
look at them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pipeline_runs import Result
from raw_rows import read_raw_rows

from flightline.config.loader import load_config
from flightline.releases.release import read_releases
from flightline.releases.server import prediction_log_folder
from flightline.serving.contract import Contract
from flightline.serving.log_batch import LogEntry
from flightline.serving.prediction_log import PredictionLog
from flightline.serving.settings import LogSettings

START_S = int(time.time()) - 1000
MONITORING_SETTINGS = (
    "--set",
    "monitoring.min_rows=200",
    "--set",
    "monitoring.min_labels=200",
    "--set",
    "monitoring.cooldown_hours=0",
    "--set",
    "monitoring.no_traffic_after_s=0",
)


class FakeProduction:
    """The workspace of a run, whose release has been asked; what its server would have left.

    `command(arguments of python, out, err)` → exit code.
    """

    def __init__(self, trained: Result, command: Callable[[list[str], Path, Path], int], folder: Path) -> None:
        self.config_file = trained.folder / "config.yaml"
        self.config = load_config(self.config_file)
        [self.release] = [one for one in read_releases(self.config.releases) if one.current]
        self._command, self._folder = command, folder
        self._contract = Contract.from_inputs(self.release.metadata["inputs"])

    def answer(self, prefix: str, rows: list[dict[str, Any]], probabilities, at: int) -> None:
        """A request for each row, answered `at` seconds after T0."""
        log = PredictionLog(LogSettings(prediction_log_folder(self.config), flush_s=0.01))
        for number, (row, probability) in enumerate(zip(rows, probabilities, strict=True)):
            columns = self._contract.read_rows([row]).columns
            answer = np.array([probability], np.float32)
            known = {"columns": columns, "scores": answer, "labels": (answer >= 0.5).astype(np.int64)}
            came = (START_S + at) * 1_000_000 + number
            entry = LogEntry(came, f"{prefix}-{number}", self._contract, self.release.version, "current", 1.0, **known)
            assert log.append(entry)
        log.close()

    def send_feedback(self, prefix: str, labels: list[str]) -> None:
        file = self._folder / f"{prefix}.csv"
        with file.open("w", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(["request_id", "late"])
            writer.writerows([f"{prefix}-{number}", label] for number, label in enumerate(labels))
        assert self("feedback", str(file)).code == 0

    def __call__(self, *arguments: str):
        out, err = self._folder / "out", self._folder / "err"
        code = self._command(["-m", "flightline", *arguments, "--config", str(self.config_file)], out, err)
        return CommandResult(code, out.read_text(), err.read_text())

    def monitor(self, run_id: str, until: float, *options: str):
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(START_S + until))
        return self("monitor", "--run-id", run_id, "--until", moment, "--plain", *MONITORING_SETTINGS, *options)

    def measures(self, run_id: str) -> dict[str, dict[str, Any]]:
        kept = json.loads((self.config.run_folder(run_id) / "monitoring.json").read_text())
        return {":".join(filter(None, (one["kind"], one["subject"]))): one for one in kept["measures"]}


class CommandResult:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def labelled_flights(trained: Result, files: Sequence[Path], of_each: int) -> tuple[list[dict[str, Any]], list[str]]:
    """(rows, labels): flights of the files that have arrived, in turns."""
    config = load_config(trained.folder / "config.yaml")
    inputs = next(one for one in read_releases(config.releases) if one.current).metadata["inputs"]
    months = []
    for file in files:
        with file.open(newline="") as lines:
            labels = [row["late"] for row in csv.DictReader(lines)]
        months.append([pair for pair in zip(read_raw_rows(file, inputs), labels, strict=True) if pair[1]][:of_each])
    together = [pair for some in zip(*months, strict=True) for pair in some]
    return [row for row, _ in together], [label for _, label in together]


def plausible_probabilities(rows) -> np.ndarray:
    """Late departures arrive late: as good as a small model."""
    return np.clip(1 / (1 + np.exp(-(np.array([row["dep_delay"] for row in rows]) - 20) / 10)), 0.01, 0.99)
