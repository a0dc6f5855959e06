"""Collecting what a report shows: from ML Metadata, and from what the run left in its folder and its artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.locations import find_files
from pipeline.metadata.run import Run, Step
from pipeline.metadata.runs import Runs
from pipeline.report.changes import movements_of, settings_changed, values_changed
from pipeline.report.data import Change, Changes, Curves, ReportData, StepFacts, Training
from pipeline.report.lineage import artifacts_of
from pipeline.report.origin import read_origin
from pipeline.report.statistics import Statistics, features_of, finite, name_of, read_statistics
from pipeline.rows import RowAccounting
from pipeline.step_rows import rows_of
from pipeline.summary import SUMMARY, Summary
from pipeline.verdict import OVERALL

STATES = {"COMPLETE": "ran", "CACHED": "cached", "NOT RUN": "not run"}
COUNTS = {"example_count", "weighted_example_count"}


def collect(
    config: Config,
    runs: Runs,
    run: Run,
    upstream: Mapping[str, Sequence[str]] | None = None,
    curves: Mapping[str, Curves] | None = None,
) -> ReportData:
    """All that the report of a run shows; what the run did not get to is empty.

    Args:
        upstream: node → the nodes it waits for; guessed from the artifacts where the DAG is not at hand.
        curves: by model, which only TFMA can read; none where TensorFlow is not loaded.
    """
    folder = config.run_folder(run.run_id)
    summary = read_summary(folder)
    statistics = _statistics(run)
    artifacts = artifacts_of(runs.store, run)
    config_text = _text(folder / "config.yaml")
    return ReportData(
        run_id=run.run_id,
        pipeline=run.pipeline or config.name,
        started=run.started,
        seconds=run.seconds,
        summary=summary,
        steps=_steps(run, summary, read_timings(folder), upstream or _by_artifacts(run)),
        artifacts=artifacts,
        features=features_of(statistics, _roles(config)),
        changes=_changes(config, runs, run, summary, statistics, config_text),
        training=_training(run),
        curves=dict(curves or {}),
        origin=read_origin(folder),
        card=config.card,
        label=config.label,
        config=config_text,
    )


def read_summary(folder: Path) -> Summary | None:
    """The summary that a run left; None where it left none that can be read."""
    try:
        return Summary.from_dict(_json(folder / SUMMARY))
    except (KeyError, TypeError):
        return None


def read_timings(folder: Path) -> dict[str, dict[str, float]]:
    """Wall and CPU seconds of each step, as the run wrote them down; empty where it did not."""
    return _json(folder / "timings.json")


def _steps(
    run: Run, summary: Summary | None, timings: dict[str, Any], upstream: Mapping[str, Sequence[str]]
) -> list[StepFacts]:
    facts = []
    for node in summary.steps if summary else run.steps:
        step, timing = run.steps.get(node), timings.get(node, {})
        state = step.state if step else "NOT RUN"
        facts.append(
            StepFacts(
                node,
                STATES.get(state, state.lower()),
                seconds=timing.get("wall_s", (step.ended - step.started) / 1000 if step else None),
                cpu_seconds=timing.get("cpu_s"),
                rows=rows_of(step) if step else None,
                message=step.message if step else "",
                upstream=tuple(upstream.get(node, ())),
            )
        )
    return facts


def _by_artifacts(run: Run) -> dict[str, list[str]]:
    """Node → the nodes of the run whose artifacts it took."""
    makers = {a.id: step.node for step in run.steps.values() for found in step.outputs.values() for a in found}
    return {
        step.node: sorted({makers[a.id] for found in step.inputs.values() for a in found if a.id in makers})
        for step in run.steps.values()
    }


def _roles(config: Config) -> Callable[[str], str]:
    unused = set(config.features.exclude)
    return lambda name: "label" if name == config.label else "unused" if name in unused else "feature"


def _statistics(run: Run) -> dict[str, Statistics]:
    uri = _uri(run, "StatisticsGen", "statistics")
    try:
        return read_statistics(uri) if uri else {}
    except (OSError, InputError, DecodeError):
        return {}


def _changes(
    config: Config,
    runs: Runs,
    run: Run,
    summary: Summary | None,
    now: Mapping[str, Statistics],
    config_text: str,
) -> Changes | None:
    """None where no earlier run of this pipeline got as far as statistics, or this one did not."""
    previous = _previous(runs, run) if now else None
    if previous is None:
        return None
    before = _statistics(previous)
    split = next((split for split in now if split in before), None)
    if split is None:
        return None
    names = [{name_of(feature) for feature in statistics[split].features} for statistics in (before, now)]
    folder = config.run_folder(previous.run_id)
    earlier = read_summary(folder)
    same = _uri(run, "StatisticsGen", "statistics") == _uri(previous, "StatisticsGen", "statistics")
    return Changes(
        run_id=previous.run_id,
        same_statistics=same,
        rows=values_changed(_rows(previous.rows), _rows(run.rows)),
        metrics=values_changed(_metrics(earlier), _metrics(summary)) if _metrics(summary) else [],
        movements=[] if same else movements_of(before[split], now[split]),
        settings=_settings(_text(folder / "config.yaml"), config_text),
        new_features=sorted(names[1] - names[0]),
        gone_features=sorted(names[0] - names[1]),
    )


def _previous(runs: Runs, run: Run) -> Run | None:
    def has_statistics(other: Run) -> bool:
        step = other.steps.get("StatisticsGen")
        return step is not None and step.done

    for other in runs.of_workspace():
        if other.pipeline == run.pipeline and other.started < run.started and has_statistics(other):
            return other
    return None


def _settings(before: str, now: str) -> list[Change]:
    return settings_changed(before, now) if before and now else []


def _rows(rows: RowAccounting | None) -> dict[str, int]:
    if rows is None:
        return {}
    rejected = {reason.replace("_", " "): count for reason, count in rows.rejected.items()}
    return {"read": rows.read, **rows.splits, **rejected}


def _metrics(summary: Summary | None) -> dict[str, float]:
    measured = summary.evaluation.metrics.get(OVERALL, {}) if summary and summary.evaluation else {}
    return {name: value for name, value in measured.items() if name not in COUNTS}


def _training(run: Run) -> Training | None:
    """What our trainer wrote down; None where the user's own wrote nothing of the kind."""
    uri = _uri(run, "Trainer", "model_run")
    try:
        [file] = find_files(uri, "training.json") if uri else []
        with file.open() as source:
            record = json.load(source)
        return Training(
            losses=[(int(entry["step"]), finite(entry["loss"])) for entry in record.get("losses", [])],
            epochs=[
                (int(entry["epoch"]), finite(entry["loss"]), finite(entry["val_loss"]) if "val_loss" in entry else None)
                for entry in record["history"]
            ],
            steps_per_epoch=int(record["steps_per_epoch"]),
            best_epoch=record.get("best_epoch"),
            facts={name: finite(value) for name, value in record.items() if isinstance(value, int | float)},
        )
    except (OSError, KeyError, TypeError, ValueError):  # an InputError is a ValueError
        return None


def _uri(run: Run, node: str, key: str) -> str | None:
    step: Step | None = run.steps.get(node)
    artifact = step.output(key) if step and step.done else None
    return artifact.uri if artifact else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
