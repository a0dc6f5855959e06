"""What TensorFlow Model Analysis does not export and the fast Evaluator uses.

TFMA's combiners, whose accumulators are filled with numpy; the steps between accumulators and results; and the writing
of eval_config.json. `read_job` checks all of it first: with a TFMA that lacks some, the stock executor runs.
"""

from __future__ import annotations

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
