"""What `--all-new` prints for its runs: a line each, a table, the worst exit code. Real runs are in tests/e2e."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from flightline.errors import DataBlocked, Interrupted, NotBlessed, StepFailed, UsageError
from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.reporting.summary import SpanSummary, Summary
from flightline.runs import backfill
from flightline.runs.backfill import SpanRun, format_span_line, span_table, worst_exit_code
from flightline.runs.request import RunRequest
from flightline.runs.run_loop import RunResult

ROWS = RowAccounting(1000, {"train": 600, "eval": 300}, {"missing_label": 100, "unparsable": 0})
MONTHLY = Path("configs/flights_monthly.yaml")


def span_run(name, error=None, folder=True, **changes):
    summary = {
        "run_id": f"now-span-{name}",
        "pipeline": "flights_monthly",
        "exit_code": 0,
        "failure": "",
        "steps": {"DataGate": "COMPLETE"},
        "rows": ROWS,
        "rejected_file": None,
        "findings": [],
        "evaluation": None,
        "release": None,
        "span": SpanSummary(int(name), name, [], ""),
    }
    ended = RunResult(error, Path("workspace/runs") / f"now-span-{name}" if folder else None)
    return SpanRun(name, ended, Summary(**{**summary, **changes}) if folder else None, 12.3)


RELEASED = span_run(
    "03",
    evaluation=Evaluation({"overall": {"auc": 0.91}}, {"overall": {"auc": 0.905}}, [], True, []),
    release="workspace/releases/flights_monthly/1795645945",
    span=SpanSummary(3, "03", ["01", "02"], ""),
    findings=[Finding("carrier", "drift", "moved by 0.2", 10, blocks=False)],
)
FIRST = span_run("01", span=SpanSummary(1, "01", [], "span 01 is ingested; training starts when ..."))
BLOCKED = span_run(
    "02",
    DataBlocked("the data gate stopped the run: carrier"),
    exit_code=3,
    steps={"DataGate": "FAILED"},
    findings=[Finding("carrier", "ENUM", "unexpected values", 10)],
)


def rendered(*finished_runs):
    out = io.StringIO()
    Console(file=out, width=120).print(span_table(list(finished_runs)))
    return [line.split() for line in out.getvalue().splitlines()[1:]]


def test_the_table_has_rows_gate_window_metrics_and_release():
    assert rendered(FIRST, BLOCKED, RELEASED) == [
        ["01", "1,000", "passed", "ingested"],
        ["02", "1,000", "blocked:", "1", "finding", "quarantined"],
        ["03", "1,000", "passed,", "1", "warning", "01", "to", "02", "0.9100", "0.9050", "1795645945"],
    ]


def test_a_run_without_a_folder_has_a_row():
    assert rendered(span_run("04", UsageError("the workspace cannot be written"), folder=False)) == [["04", "FAILED"]]


def test_a_span_line_shows_the_outcome():
    assert format_span_line(RELEASED) == "span 03; 12 s; 1,000 rows; released 1795645945; run now-span-03"
    assert "training starts when" in format_span_line(FIRST)
    assert "the data gate stopped the run: carrier" in format_span_line(BLOCKED)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], 0),
        ([NotBlessed("x")], 4),
        ([NotBlessed("x"), DataBlocked("x")], 3),
        ([DataBlocked("x"), StepFailed("x")], 1),
        ([NotBlessed("x"), Interrupted("x")], 130),
    ],
)
def test_the_exit_code_is_that_of_the_worst_run(errors, code):
    assert worst_exit_code([span_run("01"), *(span_run("02", error) for error in errors)]) == code


def make_spans(folder, *spans):
    for span in spans:
        (folder / f"span-{span:02}").mkdir(parents=True)
        (folder / f"span-{span:02}" / "flights.csv").write_text("late\n")


@pytest.fixture
def backfill_spans(monkeypatch, tmp_path):
    """`backfill_spans(*errors)` → exit code and requests, with runs that end with these errors instead of running."""
    calls = []
    make_spans(tmp_path / "data", 1, 2, 3)

    def use(*errors):
        def launch_run(request, runner):
            calls.append(request)
            return RunResult(errors[len(calls) - 1], None)

        monkeypatch.setattr(backfill, "launch_run", launch_run)
        settings = (f"workspace={tmp_path / 'workspace'}", f"data.input={tmp_path / 'data'}")
        return backfill.run_new_spans(RunRequest(MONTHLY, settings), "local"), calls

    return use


def test_each_span_has_its_own_run_in_order(backfill_spans, capsys):
    code, calls = backfill_spans(None, DataBlocked("the gate"), NotBlessed("the model"))
    assert code == 3
    assert [request.overrides[-1] for request in calls] == ["data.span=1", "data.span=2", "data.span=3"]
    assert all(request.quiet for request in calls)
    assert capsys.readouterr().err.startswith("flightline: span 02: the gate")


def test_a_failed_run_stops_the_later_spans(backfill_spans, capsys):
    code, calls = backfill_spans(StepFailed("Trainer failed: out of memory"))
    assert code == 1
    assert len(calls) == 1
    printed = capsys.readouterr()
    assert "not ingested after that: 02, 03" in printed.out
    assert "span 01: Trainer failed: out of memory" in printed.err


def test_all_new_needs_a_window(capsys):
    assert backfill.run_new_spans(RunRequest(Path("configs/flights.yaml")), "local") == 2
    assert "has no `window`" in capsys.readouterr().err
