"""What a run prints at its end: rows, metrics, the verdict, and the next commands."""

import io

import pytest
from rich.console import Console

from flightline.config.modeling import TrainSettings
from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import Evaluation, MissedThreshold
from flightline.metadata.row_accounting import RowAccounting
from flightline.reporting import terminal_summary
from flightline.reporting.summary import Summary

METRICS = {
    "overall": {"auc": 0.94, "calibration": 0.99, "binary_crossentropy": 0.2, "example_count": 1000.0},
    "origin=JFK": {"auc": 0.90, "calibration": 1.02, "binary_crossentropy": 0.3, "example_count": 600.0},
    "origin=LGA": {"auc": 0.95, "calibration": 0.90, "binary_crossentropy": 0.1, "example_count": 390.0},
    "origin=[bold]": {"auc": 0.10, "calibration": 9.0, "binary_crossentropy": 9.0, "example_count": 10.0},
}


def make(**changes):
    evaluation = Evaluation(METRICS, {}, [], True, [], {"auc": "≥ 0.925"})
    plain = {
        "run_id": "a",
        "pipeline": "flights",
        "exit_code": 0,
        "failure": "",
        "steps": {"ExampleGen": "COMPLETE"},
        "rows": RowAccounting(1100, {"train": 60, "eval": 1000}, {"missing_label": 40, "unparsable": 0}),
        "rejected_file": "workspace/rejected.csv",
        "findings": [],
        "evaluation": evaluation,
        "release": "workspace/releases/flights/7",
    }
    return Summary(**{**plain, **changes})


def printed(summary, folder):
    out = io.StringIO()
    console = Console(file=out, width=120)
    terminal_summary.show_summary(console, summary)
    terminal_summary.show_next_commands(console, summary, folder, TrainSettings())
    return out.getvalue()


def test_released_run_shows_rows_metrics_verdict_and_release(tmp_path):
    text = printed(make(), tmp_path)
    assert "read 1,100 = train 60 + eval 1,000 + missing label 40 + unparsable 0" in text
    assert "≥ 0.925" in text
    assert "BLESSED, compared with its thresholds (there is no champion)" in text
    assert "rejected rows: workspace/rejected.csv" in text
    assert "releases/flights/7" in text
    assert "flightline show a" in text


def test_metrics_table_has_the_threshold_and_the_worst_slice_with_enough_rows(tmp_path):
    lines = printed(make(), tmp_path).splitlines()
    [heading] = [line.split() for line in lines if line.startswith("metric")]
    assert heading == ["metric", "all", "1,000", "eval", "rows", "threshold", "worst", "slice"]
    [auc] = [line.split() for line in lines if line.startswith("auc")]
    assert auc == ["auc", "0.9400", "≥", "0.925", "0.9000", "origin=JFK"]


def test_report_is_the_first_of_the_next_commands(tmp_path):
    assert "report.html" not in printed(make(), tmp_path)
    (tmp_path / "report.html").touch()
    for code in (0, 1, 3, 4):
        assert "report.html" in printed(make(exit_code=code), tmp_path)


def test_values_from_the_data_are_not_interpreted_as_markup(tmp_path):
    found = [Finding("[red]carrier[/]", "K", "holds [link=x]ZZ[/link]", 3)]
    text = printed(make(exit_code=3, findings=found, evaluation=None, release=None), tmp_path)
    assert "[red]carrier[/]" in text
    assert "[link=x]ZZ[/link]" in text


def test_unbalanced_row_accounting_is_shown(tmp_path):
    assert "not balanced" in printed(make(rows=RowAccounting(5, {"train": 1}, {})), tmp_path)


def test_missed_thresholds_are_listed_and_the_rest_counted(tmp_path):
    missed = [MissedThreshold("auc", f"origin={i}", 0.8, "≥", 0.9) for i in range(12)]
    text = printed(make(exit_code=4, evaluation=Evaluation(METRICS, {}, missed, False, []), release=None), tmp_path)
    assert "NOT BLESSED" in text
    assert "auc on origin=0 is 0.8, must be ≥ 0.9 (missed by 0.1)" in text
    assert "and 2 more in summary.json" in text
    assert "Release" not in text


@pytest.mark.parametrize(
    ("train", "rows", "options"),
    [
        (TrainSettings(epochs=2), 200_000, "--set train.epochs=4"),
        (TrainSettings(epochs=30, min_steps=300), 73, "--set train.epochs=60 --set train.min_steps=600"),
    ],
)
@pytest.mark.parametrize("exit_code", [0, 4])
def test_suggested_command_doubles_the_training_of_the_config(tmp_path, train, rows, options, exit_code):
    missed = [] if exit_code == 0 else [MissedThreshold("auc", "overall", 0.8, "≥", 0.9)]
    summary = make(
        exit_code=exit_code,
        rows=RowAccounting(rows + 9, {"train": rows, "eval": 9}, {}),
        evaluation=Evaluation(METRICS, {}, missed, exit_code == 0, []),
    )
    commands = [
        command for command, _ in terminal_summary.next_commands(summary, tmp_path, train, tmp_path / "mine.yaml")
    ]
    assert any(command.endswith(f"mine.yaml {options}") for command in commands)
    commands = [command for command, _ in terminal_summary.next_commands(summary, tmp_path, train, None)]
    assert f"make run ARGS='{options}'" in commands
