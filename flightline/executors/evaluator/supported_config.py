"""What the fast Evaluator supports, tested equal to the stock executor; the rest goes to the stock executor.

The lists are allowlists: an option that a later TFMA adds is unsupported until a test shows equal results.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tensorflow_model_analysis.proto import config_pb2


class UnsupportedEvaluationError(Exception):
    """The evaluation needs something unsupported; the message names it."""


_THRESHOLD_FIELDS = frozenset({"threshold", "per_slice_thresholds", "cross_slice_thresholds"})

# Metric class -> the options of its `config` that the equality tests cover.
SUPPORTED_METRICS: Mapping[str, frozenset[str]] = {
    "ExampleCount": frozenset({"name"}),
    "AUC": frozenset({"name", "num_thresholds", "curve", "summation_method"}),
    "AUCPrecisionRecall": frozenset({"name", "num_thresholds"}),
    "BinaryAccuracy": frozenset({"name", "threshold"}),
    "BinaryCrossentropy": frozenset({"name", "from_logits", "label_smoothing"}),
    "Calibration": frozenset({"name"}),
    "CalibrationPlot": frozenset({"name", "num_buckets"}),
    "ConfusionMatrixPlot": frozenset({"name", "num_thresholds"}),
    "MeanAbsoluteError": frozenset({"name"}),
    "MeanLabel": frozenset({"name"}),
    "MeanPrediction": frozenset({"name"}),
    "MeanSquaredError": frozenset({"name"}),
    "Precision": frozenset({"name", "thresholds"}),
    "Recall": frozenset({"name", "thresholds"}),
    "RootMeanSquaredError": frozenset({"name"}),
    "SquaredPearsonCorrelation": frozenset({"name"}),
}

_SUPPORTED_FIELDS: Mapping[str, frozenset[str]] = {
    "EvalConfig": frozenset({"model_specs", "slicing_specs", "metrics_specs", "options"}),
    "ModelSpec": frozenset(
        {
            "name",
            "model_type",
            "signature_name",
            "preprocessing_function_names",
            "label_key",
            "prediction_key",
            "is_baseline",
            "inference_batch_size",
        }
    ),
    "SlicingSpec": frozenset({"feature_keys", "feature_values"}),
    "CrossSlicingSpec": frozenset({"baseline_spec", "slicing_specs"}),
    "MetricsSpec": frozenset(
        {"metrics", "model_names", "thresholds", "per_slice_thresholds", "cross_slice_thresholds"}
    ),
    "MetricConfig": frozenset({"class_name", "config"}) | _THRESHOLD_FIELDS,
    "Options": frozenset(
        {"include_default_metrics", "compute_confidence_intervals", "confidence_intervals", "min_slice_size"}
    ),
}


def require_supported(eval_config: config_pb2.EvalConfig) -> None:
    """Check that a config, with TFMA's defaults applied, is supported.

    Raises:
      UnsupportedEvaluationError: naming the first field, option or metric that is not.
    """
    _require_fields(eval_config)
    _require_options(eval_config.options)
    for model_spec in eval_config.model_specs:
        _require_model(model_spec)
    for cross_spec in eval_config.cross_slicing_specs:
        _require_fields(cross_spec)
    for slicing_spec in all_slicing_specs(eval_config):
        _require_fields(slicing_spec)
    if not any(spec.metrics for spec in eval_config.metrics_specs):
        raise UnsupportedEvaluationError("no metrics are configured, so that they would be those inside the model")
    for metrics_spec in eval_config.metrics_specs:
        _require_fields(metrics_spec)
        _require_metrics(metrics_spec.metrics)


def all_slicing_specs(eval_config: config_pb2.EvalConfig) -> list[config_pb2.SlicingSpec]:
    """List all slicing specs, each once: those of the config, and those that are compared with one another."""
    specs = list(eval_config.slicing_specs)
    for cross_spec in eval_config.cross_slicing_specs:
        for spec in (cross_spec.baseline_spec, *cross_spec.slicing_specs):
            if spec not in specs:
                specs.append(spec)
    return specs


def _require_fields(message: Any) -> None:
    name = message.DESCRIPTOR.name
    for field, _ in message.ListFields():
        if field.name not in _SUPPORTED_FIELDS[name]:
            raise UnsupportedEvaluationError(f"{name}.{field.name} is set")


def _require_options(options: config_pb2.Options) -> None:
    _require_fields(options)
    if options.compute_confidence_intervals.value:
        raise UnsupportedEvaluationError("confidence intervals are requested")
    if options.min_slice_size.value > 1:
        raise UnsupportedEvaluationError(f"min_slice_size is {options.min_slice_size.value}")


def _require_model(spec: config_pb2.ModelSpec) -> None:
    _require_fields(spec)
    if not spec.label_key:
        raise UnsupportedEvaluationError(f"model {spec.name!r} has no label_key")
    for name in spec.preprocessing_function_names:
        if "@" in name:
            raise UnsupportedEvaluationError(f"{name!r} is a preprocessing function of TFMA, not of the model")


def _require_metrics(metrics: Iterable[config_pb2.MetricConfig]) -> None:
    for metric in metrics:
        _require_fields(metric)
        if metric.class_name not in SUPPORTED_METRICS:
            raise UnsupportedEvaluationError(f"metric {metric.class_name} is not supported")
        options = json.loads(metric.config) if metric.config else {}
        unsupported = sorted(set(options) - SUPPORTED_METRICS[metric.class_name])
        if unsupported:
            raise UnsupportedEvaluationError(
                f"metric {metric.class_name} has the option {unsupported[0]!r}, which is not supported"
            )
