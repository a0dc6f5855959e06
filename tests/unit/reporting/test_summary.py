import io
import json
import math

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


def shown(summary, folder):
    out = io.StringIO()
    console = Console(file=out, width=120)
    terminal_summary.show_summary(console, summary)
    terminal_summary.show_next_commands(console, summary, folder, TrainSettings())
    return out.getvalue()


def test_it_is_kept_and_read_back():
    miss = MissedThreshold("auc", "overall", None, "≥", 0.9)
    summary = make(
        evaluation=Evaluation(METRICS, METRICS, [miss], False, ["origin"]), findings=[Finding("a", "K", "p", 1)]
    )
    kept = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert Summary.from_dict(kept) == summary


@pytest.mark.parametrize(
    ("metric", "worst"), [("auc", "origin=JFK"), ("binary_crossentropy", "origin=JFK"), ("calibration", "origin=LGA")]
)
def test_the_worst_slice_in_the_direction_of_the_metric(metric, worst):
    assert make().evaluation.worst_slice(metric, min_slice_size=50)[0] == worst


def test_a_good_run_on_the_screen(tmp_path):
    text = shown(make(), tmp_path)
    assert "read 1,100 = train 60 + eval 1,000 + missing label 40 + unparsable 0" in text
    assert "≥ 0.925" in text
    assert "BLESSED" in text
    assert "releases/flights/7" in text
    assert "flightline show a" in text


def test_a_report_is_what_comes_next(tmp_path):
    assert "report.html" not in shown(make(), tmp_path)
    (tmp_path / "report.html").touch()
    for code in (0, 1, 3, 4):
        assert "report.html" in shown(make(exit_code=code), tmp_path)


def test_values_from_the_data_stay_text(tmp_path):
    found = [Finding("[red]carrier[/]", "K", "holds [link=x]ZZ[/link]", 3)]
    text = shown(make(exit_code=3, findings=found, evaluation=None, release=None), tmp_path)
    assert "[red]carrier[/]" in text
    assert "[link=x]ZZ[/link]" in text


def test_rows_that_do_not_add_up_are_said(tmp_path):
    assert "do not add up" in shown(make(rows=RowAccounting(5, {"train": 1}, {})), tmp_path)


def test_a_model_that_fell_short(tmp_path):
    misses = [MissedThreshold("auc", f"origin={i}", 0.8, "≥", 0.9) for i in range(12)]
    text = shown(make(exit_code=4, evaluation=Evaluation(METRICS, {}, misses, False, []), release=None), tmp_path)
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
def test_what_is_said_to_train_longer_doubles_what_the_config_has(tmp_path, train, rows, options, exit_code):
    misses = [] if exit_code == 0 else [MissedThreshold("auc", "overall", 0.8, "≥", 0.9)]
    summary = make(
        exit_code=exit_code,
        rows=RowAccounting(rows + 9, {"train": rows, "eval": 9}, {}),
        evaluation=Evaluation(METRICS, {}, misses, exit_code == 0, []),
    )
    commands = [
        command for command, _ in terminal_summary.next_commands(summary, tmp_path, train, tmp_path / "mine.yaml")
    ]
    assert any(command.endswith(f"mine.yaml {options}") for command in commands)
    commands = [command for command, _ in terminal_summary.next_commands(summary, tmp_path, train, None)]
    assert f"make run ARGS='{options}'" in commands


@pytest.mark.parametrize(
    ("miss", "sentence"),
    [
        (
            MissedThreshold("auc", "overall", 0.9, "≥", 0.925),
            "auc on overall is 0.9, must be ≥ 0.925 (missed by 0.025)",
        ),
        (
            MissedThreshold("auc", "overall", -0.02, "≥", -0.01, True),
            "auc against the champion on overall is -0.02, must be ≥ -0.01",
        ),
        (MissedThreshold("calibration", "a=1", None, "≤", 1.1), "calibration on a=1 was not measured, must be ≤ 1.1"),
        (
            MissedThreshold("squared_pearson_correlation", "overall", None, "≥", 0.02),
            "squared_pearson_correlation on overall was not measured: all answers, or all labels, are the same, "
            "must be ≥ 0.02",
        ),
    ],
)
def test_a_miss_in_words(miss, sentence):
    assert miss.sentence.startswith(sentence)
    assert miss.value is not None or math.isinf(miss.by)
