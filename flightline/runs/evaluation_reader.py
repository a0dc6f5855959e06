"""Read the Evaluator's results through TFMA. Imports TensorFlow: only for the process that ran the DAG."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2
from tfx.dsl.io import fileio

from flightline.components.champion_resolver import LOAD_ERROR_PROPERTY
from flightline.config.evaluation import EvaluationSettings, MetricBounds
from flightline.executors.evaluator.comparison import COMPARISON_FILE
from flightline.executors.evaluator.result_reader import BASELINE, CANDIDATE, has_baseline, read_slices, slice_name
from flightline.executors.evaluator.slice_gaps import GAPS_FILE
from flightline.metadata.evaluation import (
    OVERALL,
    ChampionDifference,
    Evaluation,
    MissedThreshold,
    SliceGap,
    metric_key,
)
from flightline.metadata.properties import properties_of
from flightline.metadata.run import Run
from flightline.reporting.html.data import Curves

_CONFIDENCE_PATTERN = re.compile(r"lower end with confidence ([\d.]+)")


def read_evaluation(run: Run, settings: EvaluationSettings) -> Evaluation | None:
    """Return the results and the verdict of the run's Evaluator; None if the run ended before it.

    Args:
        run: from ML Metadata.
        settings: the thresholds of the verdict.
    """
    step = run.steps.get("Evaluator")
    artifact = step.output("evaluation") if step and step.done else None
    if artifact is None:
        return None
    validation = tfma.load_validation_result(artifact.uri)
    has_champion = has_baseline(artifact.uri)
    gaps = _read_gaps(artifact.uri)
    metrics = _read_metrics(artifact.uri, CANDIDATE if has_champion else None)
    champion = _read_metrics(artifact.uri, BASELINE) if has_champion else {}
    bounds = {metric_key(name): _format_bounds(bounds) for name, bounds in settings.thresholds.items()}
    return Evaluation(
        metrics=metrics,
        champion=champion,
        missed_thresholds=_read_missed_thresholds(validation, gaps) if validation else [],
        blessed=run.blessed,
        slices_without_rows=_unchecked_slices(validation) if validation else [],
        bounds=bounds,
        differences=read_differences(artifact.uri, metrics.get(OVERALL, {}), champion.get(OVERALL, {}), bounds),
        champion_load_error=_read_champion_problem(run),
        gaps=gaps,
    )


def read_differences(
    uri: str, metrics: Mapping[str, float], champion: Mapping[str, float], bounds: Collection[str]
) -> list[ChampionDifference]:
    """Return the differences between candidate and champion on all rows.

    They have intervals if the models were compared row by row.

    Args:
        uri: of the evaluation.
        metrics: metric → the candidate's value on all rows.
        champion: metric → the champion's value; empty without a champion.
        bounds: the metrics that have thresholds; without a comparison by row only their differences are returned, or
            those of all metrics if none has a threshold.
    """
    file = f"{uri}/{COMPARISON_FILE}"
    if fileio.exists(file):
        with fileio.open(file) as source:
            intervals = [ChampionDifference(**interval) for interval in json.load(source)["intervals"]]
        # Some regression evaluations have intervals of an AUC, which is no metric of theirs.
        if differences := [difference for difference in intervals if difference.metric in metrics]:
            return differences
    compared = [name for name in metrics if name in champion and not name.endswith("example_count")]
    bounded = [name for name in compared if name in bounds]
    return [ChampionDifference(name, metrics[name] - champion[name]) for name in bounded or compared]


def _read_gaps(uri: str) -> list[SliceGap]:
    """Return the gaps that have limits; none without a limit."""
    file = f"{uri}/{GAPS_FILE}"
    if not fileio.exists(file):
        return []
    with fileio.open(file) as source:
        return [SliceGap(**gap) for gap in json.load(source)]


def _read_champion_problem(run: Run) -> str:
    """Return why the champion could not be loaded; empty if it could, or without a release."""
    step = run.steps.get("Champion")
    pushed = step.output("pushed_model") if step and step.output("model") is None else None
    return str(properties_of(pushed).get(LOAD_ERROR_PROPERTY) or "") if pushed else ""


def read_curves(run: Run) -> dict[str, Curves]:
    """Return model (`candidate`, `baseline`) → curves of the run's Evaluator over all rows.

    Empty if the run ended before the Evaluator, or if the config has no plots.
    """
    step = run.steps.get("Evaluator")
    artifact = step.output("evaluation") if step and step.done else None
    curves = {}
    for plots in tfma.load_plots(artifact.uri) if artifact else ():
        if not plots.slice_key.single_slice_keys:
            for plot in plots.plot_keys_and_values:
                curves[plot.key.model_name or CANDIDATE] = _build_curves(plot.value)
    return curves


def _build_curves(plot: metrics_for_slice_pb2.PlotData) -> Curves:
    matrices = plot.confusion_matrix_at_thresholds.matrices
    roc = [(m.false_positive_rate, m.recall) for m in reversed(matrices)]
    precision_recall = [(m.recall, m.precision) for m in reversed(matrices) if m.true_positives + m.false_positives]
    calibration = []
    for bucket in plot.calibration_histogram_buckets.buckets:
        if rows := bucket.num_weighted_examples.value:
            totals = (bucket.total_weighted_refined_prediction.value, bucket.total_weighted_label.value)
            calibration.append((totals[0] / rows, totals[1] / rows, rows))
    return Curves(_finite_points(roc), _finite_points(precision_recall), calibration)


def _finite_points(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for point in points if all(map(math.isfinite, point))]


def _format_bounds(bounds: MetricBounds) -> str:
    sides = [(bounds.lower, "≥"), (bounds.upper, "≤")]
    return ", ".join(f"{side} {bound:g}" for bound, side in sides if bound is not None)


def _read_metrics(uri: str, model: str | None) -> dict[str, dict[str, float]]:
    """Slice → metric → value."""
    found = {slice_name(pairs): values for pairs, values in read_slices(uri, model)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != OVERALL, item[0])))


def _read_missed_thresholds(
    validation: validation_result_pb2.ValidationResult, gaps: list[SliceGap]
) -> list[MissedThreshold]:
    missed = [gap.missed_threshold for gap in gaps if not gap.within_limit]
    for per_slice in validation.metric_validations_per_slice:
        if per_slice.HasField("cross_slice_key"):
            continue  # a gap: `gaps` has more about it than TFMA's protobuf
        keys = per_slice.slice_key.single_slice_keys
        name = slice_name([(key.column, _slice_value(key)) for key in keys])
        missed += [_build_missed_threshold(name, failure) for failure in per_slice.failures]
    return sorted(missed, key=lambda miss: -miss.margin)


def _slice_value(key: Any) -> Any:
    kind = key.WhichOneof("kind")
    return getattr(key, kind) if kind else ""


def _build_missed_threshold(slice_name: str, failure: validation_result_pb2.ValidationFailure) -> MissedThreshold:
    measured = failure.metric_value.double_value.value if failure.HasField("metric_value") else math.nan
    value = measured if math.isfinite(measured) else None
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        change = threshold.change_threshold
        side = "≤" if change.direction == config_pb2.MetricDirection.LOWER_IS_BETTER else "≥"
        match = _CONFIDENCE_PATTERN.fullmatch(failure.message)
        confidence = float(match[1]) if match else None
        return MissedThreshold(
            failure.metric_key.name, slice_name, value, side, change.absolute.value, True, confidence
        )
    limits = threshold.value_threshold
    too_high = value is not None and limits.HasField("upper_bound") and value > limits.upper_bound.value
    side, bound = ("≤", limits.upper_bound.value) if too_high else ("≥", limits.lower_bound.value)
    return MissedThreshold(failure.metric_key.name, slice_name, value, side, bound)


def _unchecked_slices(validation: validation_result_pb2.ValidationResult) -> list[str]:
    """Return the slices that have a threshold and no rows."""
    return [
        ",".join([*spec.feature_keys, *(f"{k}={v}" for k, v in sorted(spec.feature_values.items()))]) or OVERALL
        for spec in validation.missing_slices
    ]
