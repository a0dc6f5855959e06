"""Example reports: an ordinary one, and one whose texts all come from an attacker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flightline.config.release import ModelCardConfig
from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import Evaluation, MissedThreshold
from flightline.metadata.provenance import Provenance
from flightline.metadata.row_accounting import RowAccounting
from flightline.reporting.html.data import (
    ArtifactFacts,
    Change,
    Curves,
    Feature,
    FeatureShift,
    ReportData,
    RunChanges,
    SplitStatistics,
    StepFacts,
    TrainingHistory,
)
from flightline.reporting.summary import Summary
from flightline.utils.distribution_distance import Histogram

HOSTILE_TEXT = (
    "</style></script></svg></title><script>parent.hostile = 1; window.hostile = 1</script>"
    "<img src='http://elsewhere.example/leak.png' onerror='parent.hostile = 1'>\"'&{{ 7 * 7 }}\u202e\x00é\N{SNOWMAN}"
)
METRICS = {"auc": 0.94, "binary_crossentropy": 0.23, "calibration": 0.99, "example_count": 1000.0}


def make_summary(word: str = "JFK", **changes: Any) -> Summary:
    """A summary; `word` is every value from the data, and part of every sentence about one."""
    slices = {"overall": METRICS, f"origin={word}": METRICS, "origin=LGA": {**METRICS, "auc": 0.9}}
    miss = MissedThreshold("auc", f"origin={word}", 0.8, "≥", 0.9)
    made = Summary(
        run_id="first",
        pipeline="flights",
        exit_code=0,
        failure="",
        steps={"ExampleGen": "COMPLETE", "StatisticsGen": "CACHED", "Trainer": "COMPLETE", "Pusher": "COMPLETE"},
        rows=RowAccounting(1100, {"train": 60, "eval": 1000}, {"missing_label": 40, "unparsable": 0}),
        rejected_file=f"workspace/{word}.csv",
        findings=[Finding(word, "K", f"holds {word}", 3, blocks=False)],
        evaluation=Evaluation(slices, slices, [miss], True, [], {"auc": "≥ 0.9"}),
        release="workspace/releases/flights/7",
    )
    return replace(made, **changes)


def make_report_data(word: str = "JFK", **changes: Any) -> ReportData:
    """A complete report; `changes` replaces fields."""
    numbers = SplitStatistics(
        60, 2, Histogram([0.0, 1.0, 2.0], [50.0, 8.0]), mean=0.4, min=0.0, median=0.2, max=2.0, zeros=10
    )
    names = SplitStatistics(60, 0, values=[(word, 40.0), ("LGA", 20.0)], unique=2)
    curves = Curves([(0, 0), (0.1, 0.8), (1, 1)], [(0.5, 0.9)], [(0.1, 0.12, 700.0), (0.9, 0.88, 300.0)])
    made = ReportData(
        run_id="first",
        pipeline="flights",
        started=1_700_000_000_000,
        seconds=42.5,
        summary=make_summary(word),
        steps=[
            StepFacts("ExampleGen", "ran", 3.0, 2.5, 1100),
            StepFacts("StatisticsGen", "cached", 0.1, 0.1, 1060, upstream=("ExampleGen",)),
            StepFacts("Trainer", "failed", 9.0, 8.5, 60, word, ("ExampleGen", "StatisticsGen")),
            StepFacts("Pusher", "not run", upstream=("Trainer",)),
        ],
        artifacts=[
            ArtifactFacts(1, "Examples", "examples", "ExampleGen", "earlier", f"/{word}", digest="abc"),
            ArtifactFacts(2, "Model", "model", "Trainer", "first", f"/{word}", (1,)),
        ],
        features=[
            Feature("late", "integer", "label", {"train": numbers, "eval": numbers}),
            Feature(word, "categorical", "feature", {"train": names, "eval": names}),
            Feature("empty", "other", "unused", {"train": SplitStatistics(60, 60)}),
        ],
        changes=RunChanges(
            run_id="earlier",
            statistics_unchanged=False,
            rows=[Change("read", 1000, 1100)],
            metrics=[Change("auc", 0.93, 0.94)],
            feature_shifts=[FeatureShift(word, "L-infinity", 0.2, 0.0, 0.5)],
            settings=[Change("train.epochs", "2", word)],
            new_features=[word],
            removed_features=[],
        ),
        training=TrainingHistory([(1, 0.7), (2, 0.5)], [(1, 0.6, 0.55)], 2, 1, {"rows_trained": 60.0}),
        curves={"candidate": curves, "baseline": curves},
        provenance=Provenance("0123abc", True, 12, {"data": "ff" * 32}, {"Python": "3.10"}),
        card=ModelCardConfig(owners=word, contact=word, intended_use=f"{word}\n\nsecond", limits=word),
        label="late",
        prediction="the probability that late is 1",
        config=f"name: {word}\n",
    )
    return replace(made, **changes)
