"""Tables that nobody wrote code for: `flightline init`, then a run of what it wrote, as a user does both."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from awkward_tables import LABEL, awkward, wide

ROOT = Path(__file__).resolve().parents[2]
FLIGHTLINE = ("-c", "from pipeline.cli import main; main()")


@dataclass
class Ended:
    """What both commands came to."""

    folder: Path
    out: str
    err: str
    code: int

    @property
    def summary(self):
        [file] = self.folder.glob("workspace/runs/*/summary.json")
        return json.loads(file.read_text())

    @property
    def metrics(self):
        return self.summary["evaluation"]["metrics"]["overall"]


@pytest.fixture
def own(tmp_path):
    """`own(file, "--label", "y")` → how `init` and the run of its config ended, in an empty folder."""

    def python(*words):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, *(str(word) for word in words)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)

    def both(file, *words):
        said = python(*FLIGHTLINE, "init", file, *words, "--name", "own")
        assert said.returncode == 0, said.stderr
        ended = python(
            ROOT / "runner_local.py", "--config", "configs/own.yaml", "--set", "serving_check.latency_ms=2000"
        )
        return Ended(tmp_path, ended.stdout, ended.stderr, ended.returncode)

    return both


def test_a_real_table_of_569_rows_is_released(own, tmp_path):
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "malignant", 1: "benign"})
    frame.to_csv(tmp_path / "cancer.csv", index=False)
    ended = own("cancer.csv", "--label", "target")
    assert 'positive: "malignant"' in (tmp_path / "configs" / "own.yaml").read_text()  # the rarer one
    assert ended.code == 0, ended.err
    assert ended.metrics["auc"] > 0.97  # what a logistic regression has
    assert (ended.folder / ended.summary["release"]).is_dir()
    assert (ended.folder / "workspace" / "index.html").is_file()


def test_an_awkward_table_of_a_hundred_rows_runs_to_its_verdict(own, tmp_path):
    ended = own(awkward(tmp_path / "awk ward.csv"), "--label", LABEL)
    assert ended.code in (0, 4), ended.err  # 35 rows judge it: the verdict may be either
    assert ended.summary["rows"]["rejected"] == {"missing_label": 3, "unparsable": 0}
    rejected = pd.read_csv(ended.folder / ended.summary["rejected_file"])
    assert len(rejected) == 3
    assert ended.summary["evaluation"]["metrics"]["overall"]["example_count"] == ended.summary["rows"]["splits"]["eval"]
    assert list(ended.folder.glob("workspace/runs/*/report.html"))


def test_a_hundred_and_fifty_columns(own, tmp_path):
    ended = own(wide(tmp_path / "wide.csv"), "--label", "y")
    assert ended.code == 0, ended.err
    assert ended.metrics["auc"] > 0.9
