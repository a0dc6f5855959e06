"""Collects the content of a report from ML Metadata, the run's folder and its artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from flightline.config.settings import Config
from flightline.errors import InputError
from flightline.metadata.evaluation import COUNT_METRICS, OVERALL
from flightline.metadata.provenance import read_provenance
from flightline.metadata.row_accounting import RowAccounting
from flightline.metadata.row_counts import count_rows
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.step import Step
from flightline.reporting.html.data import Change, Curves, ReportData, RunChanges, StepFacts, TrainingHistory
from flightline.reporting.html.run_changes import compare_values, compute_shifts, diff_settings
from flightline.reporting.html.statistics import (
    Statistics,
    feature_name,
    finite_or_none,
    read_statistics,
    summarize_features,
)
from flightline.reporting.html.upstream_artifacts import list_artifacts
from flightline.reporting.summary import Summary
from flightline.utils.storage import find_files

STATE_LABELS = {"COMPLETE": "ran", "CACHED": "cached", "NOT RUN": "not run"}


def collect_report(
    config: Config,
    runs: Runs,
    run: Run,
    upstream: Mapping[str, Sequence[str]] | None = None,
    curves: Mapping[str, Curves] | None = None,
) -> ReportData:
    """The content of the report of a run; the parts that the run did not get to are empty.

    Args:
        upstream: node → the nodes it waits for; inferred from the artifacts where it is None.
        curves: by model. Only TFMA can read them, so that they are None where TensorFlow is not loaded.
    """
    folder = config.run_folder(run.run_id)
    summary = Summary.read_if_valid(folder)
    statistics = _load_statistics(run)
    artifacts = list_artifacts(runs.store, run)
    config_text = _read_text(folder / "config.yaml")
    return ReportData(
        run_id=run.run_id,
        pipeline=run.pipeline or config.name,
        started=run.started_ms,
        seconds=run.duration_s,
        summary=summary,
        steps=_step_facts(run, summary, read_timings(folder), upstream or _infer_upstream(run)),
        artifacts=artifacts,
        features=summarize_features(statistics, _role_lookup(config)),
        changes=_compare_with_previous(config, runs, run, summary, statistics, config_text),
        training=_read_training(run),
        curves=dict(curves or {}),
        provenance=read_provenance(folder),
        card=config.model_card,
        label=config.label,
        prediction=config.target.describe_prediction(config.label),
        config=config_text,
    )


def read_timings(folder: Path) -> dict[str, dict[str, float]]:
    """Wall and CPU seconds of each step, from the run's `timings.json`; empty where there is none."""
    return _read_json(folder / "timings.json")


def _step_facts(
    run: Run, summary: Summary | None, timings: dict[str, Any], upstream: Mapping[str, Sequence[str]]
) -> list[StepFacts]:
    facts = []
    for node in summary.steps if summary else run.steps:
        step, timing = run.steps.get(node), timings.get(node, {})
        state = step.state if step else "NOT RUN"
        facts.append(
            StepFacts(
                node,
                STATE_LABELS.get(state, state.lower()),
                seconds=timing.get("wall_s", (step.ended_ms - step.started_ms) / 1000 if step else None),
                cpu_seconds=timing.get("cpu_s"),
                rows=count_rows(step) if step else None,
                message=step.message if step else "",
                upstream=tuple(upstream.get(node, ())),
            )
        )
    return facts


def _infer_upstream(run: Run) -> dict[str, list[str]]:
    """Node → the nodes of the run whose artifacts it read."""
    producers = {a.id: step.node for step in run.steps.values() for found in step.outputs.values() for a in found}
    return {
        step.node: sorted({producers[a.id] for found in step.inputs.values() for a in found if a.id in producers})
        for step in run.steps.values()
    }


def _role_lookup(config: Config) -> Callable[[str], str]:
    unused = set(config.features.exclude)
    return lambda name: "label" if name == config.label else "unused" if name in unused else "feature"


def _load_statistics(run: Run) -> dict[str, Statistics]:
    uri = _output_uri(run, "StatisticsGen", "statistics")
    try:
        return read_statistics(uri) if uri else {}
    except (OSError, InputError, DecodeError):
        return {}


def _compare_with_previous(
    config: Config,
    runs: Runs,
    run: Run,
    summary: Summary | None,
    now: Mapping[str, Statistics],
    config_text: str,
) -> RunChanges | None:
    """None where this run has no statistics, or no earlier run of this pipeline has any."""
    previous = _previous_run(runs, run) if now else None
    if previous is None:
        return None
    before = _load_statistics(previous)
    split = next((split for split in now if split in before), None)
    if split is None:
        return None
    names = [{feature_name(feature) for feature in statistics[split].features} for statistics in (before, now)]
    folder = config.run_folder(previous.run_id)
    earlier = Summary.read_if_valid(folder)
    unchanged = _output_uri(run, "StatisticsGen", "statistics") == _output_uri(previous, "StatisticsGen", "statistics")
    return RunChanges(
        run_id=previous.run_id,
        statistics_unchanged=unchanged,
        rows=compare_values(_row_counts(previous.rows), _row_counts(run.rows)),
        metrics=compare_values(_overall_metrics(earlier), _overall_metrics(summary))
        if _overall_metrics(summary)
        else [],
        feature_shifts=[] if unchanged else compute_shifts(before[split], now[split]),
        settings=_diff_configs(_read_text(folder / "config.yaml"), config_text),
        new_features=sorted(names[1] - names[0]),
        removed_features=sorted(names[0] - names[1]),
    )


def _previous_run(runs: Runs, run: Run) -> Run | None:
    def has_statistics(other: Run) -> bool:
        step = other.steps.get("StatisticsGen")
        return step is not None and step.done

    for other in runs.for_workspace():
        if other.pipeline == run.pipeline and other.started_ms < run.started_ms and has_statistics(other):
            return other
    return None


def _diff_configs(before: str, now: str) -> list[Change]:
    return diff_settings(before, now) if before and now else []


def _row_counts(rows: RowAccounting | None) -> dict[str, int]:
    if rows is None:
        return {}
    rejected = {reason.replace("_", " "): count for reason, count in rows.rejected.items()}
    return {"read": rows.read, **rows.splits, **rejected}


def _overall_metrics(summary: Summary | None) -> dict[str, float]:
    measured = summary.evaluation.metrics.get(OVERALL, {}) if summary and summary.evaluation else {}
    return {name: value for name, value in measured.items() if name not in COUNT_METRICS}


def _read_training(run: Run) -> TrainingHistory | None:
    """The losses in `training.json`; None where the user's trainer wrote no such file."""
    uri = _output_uri(run, "Trainer", "model_run")
    try:
        [file] = find_files(uri, "training.json") if uri else []
        with file.open() as source:
            record = json.load(source)
        return TrainingHistory(
            losses=[(int(entry["step"]), finite_or_none(entry["loss"])) for entry in record.get("losses", [])],
            epochs=[
                (
                    int(entry["epoch"]),
                    finite_or_none(entry["loss"]),
                    finite_or_none(entry["val_loss"]) if "val_loss" in entry else None,
                )
                for entry in record["history"]
            ],
            steps_per_epoch=int(record["steps_per_epoch"]),
            best_epoch=record.get("best_epoch"),
            facts={name: finite_or_none(value) for name, value in record.items() if isinstance(value, int | float)},
        )
    except (OSError, KeyError, TypeError, ValueError):  # an InputError is a ValueError
        return None


def _output_uri(run: Run, node: str, key: str) -> str | None:
    step: Step | None = run.steps.get(node)
    artifact = step.output(key) if step and step.done else None
    return artifact.uri if artifact else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
