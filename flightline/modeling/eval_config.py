"""Parts of TFMA's EvalConfig, made from the section `evaluation` of the config."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from flightline.config.evaluation import METRIC_DIRECTION, EvaluationSettings, MetricBounds


def metric_config(name: str, settings: EvaluationSettings) -> config_pb2.MetricConfig:
    """Make the config of a metric of TFMA, with its thresholds on the whole set and on slices."""
    config = config_pb2.MetricConfig(class_name=name)
    # Not `config.threshold`: TFMA applies that one to every slice, the smallest included.
    bounded = [((), settings.thresholds), *((bounds.slice, bounds.thresholds) for bounds in settings.per_slice)]
    for columns, thresholds in bounded:
        if name in thresholds:
            config.per_slice_thresholds.add(
                slicing_specs=[slicing_spec(columns)], threshold=_threshold(name, thresholds[name])
            )
    return config


def plot_config(name: str, options: Mapping[str, Any]) -> config_pb2.MetricConfig:
    """Make the config of a plot of TFMA."""
    return config_pb2.MetricConfig(class_name=name, config=json.dumps(options))


def slicing_spec(columns: Sequence[str]) -> config_pb2.SlicingSpec:
    """Make a slice for each combination of values of the columns; without columns, of all rows."""
    return config_pb2.SlicingSpec(feature_keys=columns)


def _threshold(metric: str, bounds: MetricBounds) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    if bounds.lower is not None:
        threshold.value_threshold.lower_bound.value = bounds.lower
    if bounds.upper is not None:
        threshold.value_threshold.upper_bound.value = bounds.upper
    if bounds.vs_champion is not None:
        # TFMA compares candidate - champion. A wrapped 0.0 must be set explicitly, or protobuf omits the bound.
        change = threshold.change_threshold
        change.absolute.value = -METRIC_DIRECTION[metric] * bounds.vs_champion
        higher = METRIC_DIRECTION[metric] > 0
        change.direction = config_pb2.HIGHER_IS_BETTER if higher else config_pb2.LOWER_IS_BETTER
    return threshold
