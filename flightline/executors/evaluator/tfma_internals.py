"""What TensorFlow Model Analysis does not export and the fast Evaluator uses.

TFMA's combiners, whose accumulators are filled with numpy; the steps between accumulators and results; and the writing
of eval_config.json. `read_job` checks all of it first: with a TFMA that lacks some, the stock executor runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flightline.utils.private_api import PrivateApi, PrivateName

_METRICS = "tensorflow_model_analysis.metrics"
_EVALUATOR = "tensorflow_model_analysis.evaluators.metrics_plots_and_validations_evaluator"
_WRITERS = "tensorflow_model_analysis.writers"

TFMA = PrivateApi(
    "tensorflow-model-analysis",
    ("0.47.1", "0.52.0"),
    [
        PrivateName(
            f"{_METRICS}.binary_confusion_matrices:_BinaryConfusionMatrixCombiner",
            instance_attributes=("_enable_fractional_labels", "_binary_confusion_matrices"),
        ),
        PrivateName(
            f"{_METRICS}.binary_confusion_matrices:_histogram_to_binary_confusion_matrices",
            ("thresholds", "histogram"),
        ),
        f"{_METRICS}.binary_confusion_matrices:Matrices",
        f"{_METRICS}.binary_confusion_matrices:_EPSILON",
        f"{_METRICS}.calibration:_WeightedLabelsPredictionsExamplesCombiner",
        PrivateName(
            f"{_METRICS}.calibration_histogram:_CalibrationHistogramCombiner",
            instance_attributes=(
                "_prediction_based_bucketing",
                "_fractional_labels",
                "_num_buckets",
                "_left",
                "_range",
            ),
        ),
        PrivateName(
            f"{_METRICS}.calibration_histogram:rebin", ("thresholds", "histogram", "num_buckets", "left", "right")
        ),
        f"{_METRICS}.calibration_histogram:Bucket",
        f"{_METRICS}.calibration_histogram:DEFAULT_NUM_BUCKETS",
        f"{_METRICS}.example_count:_ExampleCountCombiner",
        f"{_METRICS}.mean_regression_error:_MeanAbsoluteErrorCombiner",
        f"{_METRICS}.mean_regression_error:_MeanSquaredErrorCombiner",
        f"{_METRICS}.squared_pearson_correlation:_SquaredPearsonCorrelationCombiner",
        PrivateName(f"{_METRICS}.tf_metric_wrapper:_CompilableMetricsCombiner", instance_attributes=("_metrics",)),
        f"{_EVALUATOR}:_filter_and_separate_computations",
        f"{_EVALUATOR}:_filter_by_key_type",
        f"{_EVALUATOR}:_is_metric_diffable",
        f"{_EVALUATOR}:_is_private_metrics",
        f"{_EVALUATOR}:_remove_private_metrics",
        PrivateName(
            f"{_WRITERS}.eval_config_writer:_serialize_eval_run",
            ("eval_config", "data_location", "file_format", "model_locations"),
        ),
    ],
)


@dataclass(frozen=True)
class HistogramLayout:
    """The buckets of a calibration histogram: how many, from where, and over what range of predictions."""

    num_buckets: int
    left: float
    range: float


def get_histogram_layout(combiner: Any) -> HistogramLayout | None:
    """The layout of a `_CalibrationHistogramCombiner`; None unless it counts fractional labels by prediction."""
    if not combiner._prediction_based_bucketing or not combiner._fractional_labels:
        return None
    return HistogramLayout(combiner._num_buckets, combiner._left, combiner._range)


def has_fractional_labels(combiner: Any) -> bool:
    """Whether a `_BinaryConfusionMatrixCombiner` takes labels between 0 and 1."""
    return bool(combiner._enable_fractional_labels)


def get_confusion_matrices(combiner: Any) -> Any:
    """The combiner of matrices that a `_BinaryConfusionMatrixCombiner` delegates to."""
    return combiner._binary_confusion_matrices


def get_keras_metrics(combiner: Any) -> list[Any]:
    """The Keras metrics of the one output of a `_CompilableMetricsCombiner`, which must be set up."""
    (metrics,) = combiner._metrics.values()
    return list(metrics)
