"""`flightline init` on unknown tables, and a run of the config that it writes."""

from dataclasses import dataclass

import pandas as pd
import pytest
from messy_tables import LABEL, write_messy_table, write_wide_table
from project_commands import ProjectCommands


@dataclass
class Ended:
    """What both commands came to."""

    commands: ProjectCommands
    err: str
    code: int

    @property
    def folder(self):
        return self.commands.folder

    @property
    def summary(self):
        return self.commands.summary

    @property
    def metrics(self):
        return self.summary["evaluation"]["metrics"]["overall"]


@pytest.fixture
def own(tmp_path):
    """`own(file, "--label", "y")` → how `init` and the run of its config ended, in an empty folder."""

    def both(file, *words):
        commands = ProjectCommands(tmp_path)
        commands.init(file, *words)
        ended = commands.run()
        return Ended(commands, ended.stderr, ended.returncode)

    return both


@pytest.mark.slow
def test_a_real_table_of_569_rows_is_released(own, tmp_path):
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "malignant", 1: "benign"})
    frame.to_csv(tmp_path / "cancer.csv", index=False)
    ended = own("cancer.csv", "--label", "target")
    assert 'positive_label: "malignant"' in (tmp_path / "configs" / "own.yaml").read_text()  # the rarer one
    assert ended.code == 0, ended.err
    assert ended.metrics["auc"] > 0.97  # what a logistic regression has
    assert (ended.folder / ended.summary["release"]).is_dir()
    assert (ended.folder / "workspace" / "index.html").is_file()


def test_a_messy_table_of_a_hundred_rows_runs_to_its_verdict(own, tmp_path):
    ended = own(write_messy_table(tmp_path / "awk ward.csv"), "--label", LABEL)
    assert ended.code in (0, 4), ended.err  # 35 rows judge it: the verdict may be either
    assert ended.summary["rows"]["rejected"] == {"missing_label": 3, "unparsable": 0}
    rejected = pd.read_csv(ended.folder / ended.summary["rejected_file"])
    assert len(rejected) == 3
    assert ended.summary["evaluation"]["metrics"]["overall"]["example_count"] == ended.summary["rows"]["splits"]["eval"]
    assert list(ended.folder.glob("workspace/runs/*/report.html"))


@pytest.mark.slow
def test_a_hundred_and_fifty_columns(own, tmp_path):
    ended = own(write_wide_table(tmp_path / "wide.csv"), "--label", "y")
    assert ended.code == 0, ended.err
    assert ended.metrics["auc"] > 0.9
