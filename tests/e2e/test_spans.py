"""Continuous training: spans come in one by one, are kept out or trained on, and judge the models of the spans before.

Two processes take in five spans of a few hundred rows; what they left is looked at by many tests.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from flightline.metadata.properties import properties_of
from flightline.metadata.runs import Runs
from flightline.metadata.spans import list_ingested_spans

SETTINGS = (
    "data.pattern=span-{SPAN:2}/v{VERSION}/flights.csv",
    "window={spans: 2, min_spans: 1}",
    "evaluation.thresholds={AUC: {lower: 0.6, vs_champion: 0.3}}",
    "evaluation.per_slice=[]",
    "gate.max_rejected.missing_label=0.2",
    "gate.policy.drift=ignore",  # a few hundred rows of one month and of the next are far apart by chance
)
MONTHLY = ("--all-new", "--config", "configs/flights_monthly.yaml")


class History:
    """A folder of spans, and the runs over it."""

    def __init__(self, run, sample: Path, folder: Path) -> None:
        self._run, self._sample = run, sample
        self.data, self.workspace = folder / "data", folder / "workspace"

    def add(self, span: int, version: int, poisoned: bool = False) -> None:
        target = self.data / f"span-{span:02}" / f"v{version}" / "flights.csv"
        target.parent.mkdir(parents=True)
        rows = pd.read_csv(self._sample / f"span-{span:02}" / "flights.csv", dtype=str, keep_default_na=False)
        if poisoned:
            rows.loc[rows.index[::5], "carrier"] = "ZZ"
        rows.iloc[version:].to_csv(target, index=False)  # a correction is not the same content

    def take(self):
        return self._run(self.workspace, self.data, None, *MONTHLY, settings=SETTINGS)

    @property
    def runs(self) -> dict[str, tuple[object, dict]]:
        """Name of the span → the run as ML Metadata has it, and its summary."""
        found = {}
        for run in Runs.open(self.workspace / "metadata.db"):
            summary = json.loads((self.workspace / "runs" / run.run_id / "summary.json").read_text())
            found[summary["span"]["name"]] = run, summary
        return found


@pytest.fixture(scope="module")
def history(run, flights_sample, tmp_path_factory):
    history = History(run, flights_sample, tmp_path_factory.mktemp("spans"))
    for span in (1, 2, 3):
        history.add(span, version=1, poisoned=span == 2)
    history.first = history.take()
    [champion] = (history.workspace / "artifacts" / "Trainer" / "model").iterdir()
    shutil.rmtree(champion / "Format-Serving" / "variables")
    history.add(1, version=2)
    history.add(4, version=1)
    history.second = history.take()
    return history


AGAIN = """
import sys
from pathlib import Path
from flightline.runs.launch import run_pipeline
from flightline.runs.request import RunRequest

overrides = tuple(sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == "--set")
for run_id, more in (("again", ("data.span=3",)), ("blocks", ("data.span=4", "champion.on_load_failure=block"))):
    request = RunRequest(Path("configs/flights_monthly.yaml"), (*overrides, *more), run_id=run_id, quiet=True)
    print(run_id, run_pipeline(request, "local"))
"""


@pytest.fixture(scope="module")
def afterwards(history, run):
    """Two runs more in a process: span 3 again, which is not the newest now; and span 4, whose champion is broken."""
    newest = max((history.workspace / "artifacts" / "Trainer" / "model").iterdir(), key=lambda folder: int(folder.name))
    (newest / "Format-Serving" / "saved_model.pb").write_bytes(b"not a graph")
    script = history.workspace / "again.py"
    script.write_text(AGAIN)
    return run(history.workspace, history.data, None, script=script, settings=SETTINGS)


def test_the_worst_exit_code_is_returned_and_a_blocked_span_does_not_stop_later_ones(history):
    assert history.first.code == 3, history.first.err
    assert history.first.last_line.startswith("flightline: span 02 version 1: the data gate stopped the run")
    assert history.second.code == 0, history.second.err


def test_each_span_has_a_line_and_a_row(history):
    lines = history.first.out.splitlines()
    assert [line.split(";")[0] for line in lines[:3]] == [f"span 0{span} version 1" for span in (1, 2, 3)]
    assert "training starts when 1 accepted span is there" in lines[0]
    [first, second, third] = [line for line in lines[3:] if line.startswith("0")]
    assert "ingested" in first
    assert "blocked: " in second
    assert "quarantined" in second
    assert "01 version 1" in third
    assert history.runs["03 version 1"][1]["release"].rpartition("/")[2] in third


def test_the_run_id_contains_the_span(history):
    assert {run.run_id.partition("-span-")[2] for run, _ in history.runs.values()} == {
        "01-v1", "02-v1", "03-v1", "01-v2", "04-v1",
    }  # fmt: skip


def test_the_first_span_trains_no_model(history):
    run, summary = history.runs["01 version 1"]
    assert summary["exit_code"] == 0
    assert set(run.steps) == {
        "ExampleGen", "StatisticsGen", "CuratedSchema", "ExampleValidator", "PreviousSpans", "DataGate",
    }  # fmt: skip
    assert not any(state == "NOT RUN" for state in summary["steps"].values())


def test_the_window_holds_accepted_spans_in_their_latest_versions(history):
    windows = {name: summary["span"]["window"] for name, (_, summary) in history.runs.items()}
    assert windows == {
        "01 version 1": [],
        "02 version 1": [],
        "03 version 1": ["01 version 1"],
        "01 version 2": [],
        "04 version 1": ["01 version 2", "03 version 1"],
    }


def test_the_model_is_trained_on_the_window_and_judged_on_the_span(history):
    run, summary = history.runs["04 version 1"]
    window = [
        summary["rows"]["splits"] for _, summary in (history.runs[f"0{n}"] for n in ("1 version 2", "3 version 1"))
    ]
    record = json.loads((Path(run.steps["Trainer"].output("model_run").uri) / "training.json").read_text())
    assert record["rows_trained"] + record["rows_held_out"] == sum(sum(splits.values()) for splits in window)
    measured = summary["evaluation"]["metrics"]["overall"]["example_count"]
    assert measured == sum(summary["rows"]["splits"].values())
    [judged] = run.steps["Evaluator"].inputs["examples"]
    assert properties_of(judged)["span"] == 4


def test_transform_reuses_the_analyzer_cache_of_earlier_spans(history):
    run, _ = history.runs["04 version 1"]
    [cache] = run.steps["Transform"].inputs["analyzer_cache"]
    before = history.runs["03 version 1"][0].steps["Transform"].output("updated_analyzer_cache")
    assert cache.id == before.id
    kept = {folder.name for folder in Path(run.steps["Transform"].output("updated_analyzer_cache").uri).iterdir()}
    assert len(kept) == 4  # two spans of two splits


def test_the_gate_gets_the_statistics_of_the_previous_accepted_span(history):
    given = {
        name: run.steps["DataGate"].inputs.get("previous_statistics", []) for name, (run, _) in history.runs.items()
    }
    made = {name: run.steps["StatisticsGen"].output("statistics").id for name, (run, _) in history.runs.items()}
    assert [a.id for a in given["03 version 1"]] == [made["01 version 1"]]  # not of 02, which was blocked
    assert [a.id for a in given["04 version 1"]] == [made["03 version 1"]]
    assert given["01 version 1"] == []


def test_the_lineage_shows_both_versions(history):
    taken = list_ingested_spans(Runs.open(history.workspace / "metadata.db").store, "flights_monthly")
    assert [(one.span, one.version, one.state) for one in taken] == [
        (1, 1, "accepted"), (1, 2, "accepted"), (2, 1, "quarantined"), (3, 1, "accepted"), (4, 1, "accepted"),
    ]  # fmt: skip


def test_a_champion_that_cannot_be_loaded_is_reported_and_does_not_stop_the_run(history):
    run, summary = history.runs["04 version 1"]
    evaluation = summary["evaluation"]
    assert evaluation["blessed"]
    assert evaluation["champion"] == {}
    assert "variables" in evaluation["champion_load_error"]
    screen = (history.workspace / "runs" / run.run_id / "screen.txt").read_text()
    assert "BLESSED, compared with its thresholds only: the champion could not be loaded" in screen
    assert "and the champion" not in screen
    assert run.steps["Evaluator"].inputs.get("baseline_model", []) == []
    assert summary["release"]


def test_processed_spans_are_not_new(history):
    from flightline.config.loader import load_config
    from flightline.runs.state.span_plan import find_new_spans

    fixed = (f"workspace={history.workspace}", f"data.input={history.data}")
    assert find_new_spans(load_config(Path("configs/flights_monthly.yaml"), (*fixed, *SETTINGS))) == []


def test_an_old_span_run_again_comes_from_the_cache_and_trains_no_model(history, afterwards):
    assert "again 0" in afterwards.out, afterwards.err
    again = Runs.open(history.workspace / "metadata.db").get("again")
    # The gate has something new to compare with: the correction of the span before.
    ran = {node for node, step in again.steps.items() if step.state != "CACHED"}
    assert ran == {"PreviousSpans", "DataGate"}
    assert "Trainer" not in again.steps
    screen = (history.workspace / "runs" / "again" / "screen.txt").read_text()
    assert "no model is trained: the newer span 04 is already there" in screen


def test_a_champion_that_cannot_be_loaded_stops_the_run_with_on_load_error_block(history, afterwards):
    assert "blocks 1" in afterwards.out
    told = (history.workspace / "runs" / "blocks" / "screen.txt").read_text().strip().splitlines()[-1]
    assert told.startswith("flightline: the champion, release ")
    assert "cannot be loaded: " in told
    assert "set champion.on_load_failure=evaluate" in told
    assert "Traceback" not in told
    assert "Evaluator" not in Runs.open(history.workspace / "metadata.db").get("blocks").steps
