"""The EvalConfig of Evaluator from settings: metrics, slices, and the thresholds that bless a model."""

import json
from collections.abc import Sequence

from tensorflow_model_analysis.proto import config_pb2

from flightline.config.evaluation import METRIC_DIRECTION, EvaluationSettings, MetricBounds
from flightline.config.feature_plan import transformed_name
from flightline.config.target import BINARY_TARGET, Target

# What the curves of a report are drawn from, for binary labels: TFMA keeps them beside the metrics, for every slice.
PLOTS = {"CalibrationPlot": {"num_buckets": 20}, "ConfusionMatrixPlot": {"num_thresholds": 100}}


def build_eval_config(
    label: str, settings: EvaluationSettings, target: Target = BINARY_TARGET
) -> config_pb2.EvalConfig:
    """Builds the config for models that `flightline.modeling.export` writes.

    Every metric of the task, and every plot of `PLOTS` that is for it, is computed on the whole set and on each of
    `settings.cuts`: the slices, and those that have thresholds or gaps. A model is blessed when every threshold holds
    on the whole set and on every value of its slice. Bins and gaps TFMA knows nothing of: they are for whoever runs the
    Evaluator.

    - Without a champion, Evaluator drops the `vs_champion` thresholds.
    - A metric that is not a number (AUC on a slice with one class) fails its thresholds. TFMA's `min_slice_size` is
      no way out: it drops the metrics of small slices, and a metric that isn't there fails too.

    Args:
        label: the raw label column.
        settings: slices and thresholds.
        target: what is predicted.
    """
    metrics = [_metric_config(name, settings) for name in target.metrics]
    drawn = PLOTS if target.task == "binary" else {}
    plots = [config_pb2.MetricConfig(class_name=name, config=json.dumps(options)) for name, options in drawn.items()]
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                preprocessing_function_names=["transform_features"],
                label_key=transformed_name(label),
            )
        ],
        slicing_specs=[_slicing_spec(columns) for columns in dict.fromkeys([(), *settings.cuts])],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[*metrics, *plots])],
    )


def _metric_config(name: str, settings: EvaluationSettings) -> config_pb2.MetricConfig:
    config = config_pb2.MetricConfig(class_name=name)
    # Not `config.threshold`: that one would be held against every slice, the smallest included.
    bounded = [((), settings.thresholds), *((bounds.slice, bounds.thresholds) for bounds in settings.per_slice)]
    for columns, thresholds in bounded:
        if name in thresholds:
            config.per_slice_thresholds.add(
                slicing_specs=[_slicing_spec(columns)], threshold=_threshold(name, thresholds[name])
            )
    return config


def _threshold(metric: str, bounds: MetricBounds) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    if bounds.lower is not None:
        threshold.value_threshold.lower_bound.value = bounds.lower
    if bounds.upper is not None:
        threshold.value_threshold.upper_bound.value = bounds.upper
    if bounds.vs_champion is not None:
        # TFMA compares candidate - champion; in protobuf a wrapped 0.0 must be set, or it is no bound at all.
        change = threshold.change_threshold
        change.absolute.value = -METRIC_DIRECTION[metric] * bounds.vs_champion
        higher = METRIC_DIRECTION[metric] > 0
        change.direction = config_pb2.HIGHER_IS_BETTER if higher else config_pb2.LOWER_IS_BETTER
    return threshold


def _slicing_spec(columns: Sequence[str]) -> config_pb2.SlicingSpec:
    return config_pb2.SlicingSpec(feature_keys=columns)
