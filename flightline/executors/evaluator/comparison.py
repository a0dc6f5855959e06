"""Compares candidate and champion on the same rows: differences, intervals, and the thresholds that these fail."""

import dataclasses
import json
import posixpath
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.utils import model_util

from flightline.executors.evaluator.bootstrap import (
    DEFAULT_CONFIDENCE,
    DEFAULT_REPLICATES,
    BootstrapInterval,
    bootstrap_intervals,
)
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.scoring import Scores

COMPARISON_FILE = "comparison.json"  # in the ModelEvaluation artifact, next to TFMA's files
# Metric of TFMA -> name of its values.
_COMPARED_METRICS = {"AUC": "auc", "BinaryAccuracy": "binary_accuracy"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The intervals of the differences, with the numbers of rows and replicates they were computed from."""

    rows: int
    replicates: int
    intervals: list[BootstrapInterval]


def compare_models(job: EvaluationJob, scores: Mapping[str, Scores]) -> Comparison | None:
    """Compare the two models of a job.

    Returns:
        None if there is only one model, if the models have different labels, or if no metric of the config has an
        interval (only metrics of binary labels do).
    """
    measured = {_COMPARED_METRICS.get(metric.class_name) for metric in _metric_configs(job.eval_config)}
    baseline = model_util.get_baseline_model_spec(job.eval_config)
    candidates = [name for name in scores if baseline is None or name != baseline.name]
    if baseline is None or len(candidates) != 1 or not measured.intersection(_COMPARED_METRICS.values()):
        return None
    candidate, champion = scores[candidates[0]], scores[baseline.name]
    if not np.array_equal(candidate.labels, champion.labels):
        return None
    intervals = bootstrap_intervals(
        candidate.labels, candidate.predictions, champion.predictions, job.vs_champion_confidence or DEFAULT_CONFIDENCE
    )
    return Comparison(
        len(candidate.labels), DEFAULT_REPLICATES, [interval for interval in intervals if interval.metric in measured]
    )


def write_comparison(job: EvaluationJob, comparison: Comparison) -> None:
    """Write the comparison next to TFMA's files, where TFMA's readers ignore it."""
    with tf.io.gfile.GFile(posixpath.join(job.output_path, COMPARISON_FILE), "w") as file:
        file.write(json.dumps(dataclasses.asdict(comparison), indent=2, sort_keys=True) + "\n")


def add_confidence_failures(
    validation: validation_result_pb2.ValidationResult, job: EvaluationJob, comparison: Comparison | None
) -> None:
    """With a configured confidence, fail metrics whose interval reaches below a threshold against the champion.

    The failures are TFMA's own, on all rows, with the lower end of the interval as value and a message that says so.
    """
    if job.vs_champion_confidence is None or comparison is None:
        return
    failures = [
        (interval, threshold)
        for metric, threshold in _champion_thresholds(job.eval_config)
        for interval in comparison.intervals
        if interval.metric == metric and interval.lower < threshold.absolute.value
    ]
    if not failures:
        return
    validation.validation_ok = False
    overall_slice = validation.metric_validations_per_slice.add()
    for interval, threshold in failures:
        failure = overall_slice.failures.add(message=f"lower end with confidence {interval.confidence:g}")
        failure.metric_key.name = interval.metric
        failure.metric_value.double_value.value = interval.lower
        failure.metric_threshold.change_threshold.CopyFrom(threshold)


def _champion_thresholds(eval_config: config_pb2.EvalConfig) -> Iterator[tuple[str, config_pb2.GenericChangeThreshold]]:
    """Yield (metric, change threshold) on all rows, for the metrics that are compared."""
    for metric in (
        metric
        for metric in _metric_configs(eval_config)
        if metric.class_name in _COMPARED_METRICS and not metric.config
    ):
        overall_thresholds = [
            bounded.threshold
            for bounded in metric.per_slice_thresholds
            if any(not (spec.feature_keys or spec.feature_values) for spec in bounded.slicing_specs)
        ]
        for threshold in (metric.threshold, *overall_thresholds):
            if threshold.HasField("change_threshold"):
                yield _COMPARED_METRICS[metric.class_name], threshold.change_threshold


def _metric_configs(eval_config: config_pb2.EvalConfig) -> list[config_pb2.MetricConfig]:
    return [metric for spec in eval_config.metrics_specs for metric in spec.metrics]
