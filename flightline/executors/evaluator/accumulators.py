"""Fills the accumulators of TFMA's own combiners with numpy, instead of one `add_input` for each row and slice.

Each row has weight 1: example weights are not supported. Sums are computed in float64, as TFMA computes them, of the
values that its combiners would get; only the order of the additions differs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from flightline.executors.evaluator.keras_row_values import metric_values
from flightline.executors.evaluator.scoring import Scores
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError
from flightline.executors.evaluator.tfma_internals import (
    TFMA,
    get_confusion_matrices,
    get_histogram_layout,
    get_keras_metrics,
    has_fractional_labels,
)

# From the row numbers of a slice to the combiner's accumulator.
AccumulatorFiller = Callable[[np.ndarray], Any]


def make_accumulator_filler(
    computation: metric_types.MetricComputation, scores: Mapping[str, Scores]
) -> AccumulatorFiller:
    """Make the function that fills the accumulator of a computation for the rows of a slice.

    Args:
      computation: one of TFMA's, with its combiner.
      scores: of all rows, by model name.

    Raises:
      UnsupportedEvaluationError: the combiner, or one of its options, is not supported.
    """
    combiner = computation.combiner
    make_filler = _find_filler(combiner)
    if make_filler is None:
        raise UnsupportedEvaluationError(f"the combiner {type(combiner).__name__} is not supported")
    for preprocessor in computation.preprocessors or ():
        if type(preprocessor) is not metric_types.StandardMetricInputsPreprocessor:
            raise UnsupportedEvaluationError(f"{type(combiner).__name__} has the preprocessor {preprocessor}")
    for option in ("_example_weighted", "_aggregation_type", "_class_weights", "_example_id_key", "_sub_key"):
        if getattr(combiner, option, None):
            raise UnsupportedEvaluationError(f"{type(combiner).__name__} has {option[1:]}")
    (model_name,) = {key.model_name for key in computation.keys}
    if model_name not in scores:
        raise UnsupportedEvaluationError(f"a metric is for the model {model_name!r}, which is not evaluated")
    if any(key.sub_key or key.output_name for key in computation.keys):
        raise UnsupportedEvaluationError(f"{type(combiner).__name__} is for one class or one output")
    return make_filler(combiner, scores[model_name])


def _example_count(combiner: Any, scores: Scores) -> AccumulatorFiller:
    del combiner, scores
    return lambda rows: np.float64(len(rows))


def _label_and_prediction_totals(combiner: Any, scores: Scores) -> AccumulatorFiller:
    labels, predictions = scores.float64_labels, scores.float64_predictions

    def fill(rows: np.ndarray) -> Any:
        totals = combiner.create_accumulator()
        totals.total_weighted_labels = float(labels[rows].sum())
        totals.total_weighted_predictions = float(predictions[rows].sum())
        totals.total_weighted_examples = float(len(rows))
        return totals

    return fill


def _calibration_histogram(combiner: Any, scores: Scores) -> AccumulatorFiller:
    layout = get_histogram_layout(combiner)
    if layout is None:
        raise UnsupportedEvaluationError("a calibration histogram of something else than predictions between 0 and 1")
    labels, predictions = _binary_labels(scores), scores.float64_predictions
    num_buckets, bucket_type = layout.num_buckets, TFMA.Bucket
    # The first and last bucket are for values outside; the arithmetic is the combiner's, in its order.
    position = (predictions - layout.left) / layout.range * num_buckets + 1
    buckets = np.clip(position, 0, num_buckets + 1).astype(np.int32)

    def fill(rows: np.ndarray) -> dict[int, Any]:
        slice_buckets = buckets[rows]
        examples = np.bincount(slice_buckets, minlength=num_buckets + 2)
        filled = np.flatnonzero(examples)
        totals = (
            np.bincount(slice_buckets, labels[rows], num_buckets + 2)[filled],
            np.bincount(slice_buckets, predictions[rows], num_buckets + 2)[filled],
            examples[filled].astype(np.float64),
        )
        columns = (filled.tolist(), *(total.tolist() for total in totals))
        return {bucket[0]: bucket_type(*bucket) for bucket in zip(*columns, strict=True)}

    return fill


def _confusion_matrices(combiner: Any, scores: Scores) -> AccumulatorFiller:
    # float64, since TFMA compares predictions as Python floats: a float32 0.3 is above a threshold of 0.3.
    predictions = scores.float64_predictions
    fractional = has_fractional_labels(combiner)
    labels = _binary_labels(scores) if fractional else scores.float64_labels
    matrices = get_confusion_matrices(combiner)

    def fill(rows: np.ndarray) -> Any:
        entries = matrices.extract_output(matrices.create_accumulator())
        slice_labels, slice_predictions = labels[rows], predictions[rows]
        for threshold, entry in entries.items():
            positive = slice_labels == 1.0 if fractional else slice_labels > threshold
            predicted = slice_predictions > threshold
            hits, positives, predicted_positives = (
                float(np.count_nonzero(mask)) for mask in (positive & predicted, positive, predicted)
            )
            matrix = entry.matrix._replace(
                tp=hits,
                fp=predicted_positives - hits,
                fn=positives - hits,
                tn=len(rows) - positives - predicted_positives + hits,
            )
            entries[threshold] = entry._replace(matrix=matrix)
        return entries

    return fill


def _regression_error(combiner: Any, scores: Scores) -> AccumulatorFiller:
    # The subtraction keeps the types: int64 - float32 is float64, float32 - float32 stays float32.
    errors = np.abs(scores.labels - scores.predictions).astype(np.float64)
    if isinstance(combiner, TFMA.MeanSquaredErrorCombiner):
        errors = errors**2

    def fill(rows: np.ndarray) -> Any:
        totals = combiner.create_accumulator()
        totals.total_regression_error = float(errors[rows].sum())
        totals.total_example_weights = float(len(rows))
        return totals

    return fill


def _squared_pearson_correlation(combiner: Any, scores: Scores) -> AccumulatorFiller:
    labels, predictions = scores.float64_labels, scores.float64_predictions

    def fill(rows: np.ndarray) -> Any:
        slice_labels, slice_predictions = labels[rows], predictions[rows]
        totals = combiner.create_accumulator()
        totals.total_weighted_labels = float(slice_labels.sum())
        totals.total_weighted_predictions = float(slice_predictions.sum())
        totals.total_weighted_squared_labels = float((slice_labels**2).sum())
        totals.total_weighted_squared_predictions = float((slice_predictions**2).sum())
        totals.total_weighted_labels_times_predictions = float((slice_labels * slice_predictions).sum())
        totals.total_weighted_examples = float(len(rows))
        return totals

    return fill


def _keras_metrics(combiner: Any, scores: Scores) -> AccumulatorFiller:
    combiner.setup()
    values = [metric_values(metric, scores.labels, scores.predictions) for metric in get_keras_metrics(combiner)]

    def fill(rows: np.ndarray) -> Any:
        accumulator = combiner.create_accumulator()
        for index, row_values in enumerate(values):
            total = row_values[rows].sum(dtype=np.float64)
            accumulator.add_weights(0, index, [np.float32(total), np.float32(len(rows))])
        return accumulator

    return fill


def _binary_labels(scores: Scores) -> np.ndarray:
    if not scores.binary:
        raise UnsupportedEvaluationError("labels other than 0 and 1, for a metric of binary labels")
    return scores.float64_labels


# By the name of TFMA's combiner among its private names.
_FILLERS_BY_COMBINER: Mapping[str, Callable[[Any, Scores], AccumulatorFiller]] = {
    "BinaryConfusionMatrixCombiner": _confusion_matrices,
    "CalibrationHistogramCombiner": _calibration_histogram,
    "CompilableMetricsCombiner": _keras_metrics,
    "ExampleCountCombiner": _example_count,
    "MeanAbsoluteErrorCombiner": _regression_error,
    "MeanSquaredErrorCombiner": _regression_error,
    "SquaredPearsonCorrelationCombiner": _squared_pearson_correlation,
    "WeightedLabelsPredictionsExamplesCombiner": _label_and_prediction_totals,
}


def _find_filler(combiner: Any) -> Callable[[Any, Scores], AccumulatorFiller] | None:
    for name, make_filler in _FILLERS_BY_COMBINER.items():
        if type(combiner) is getattr(TFMA, name):
            return make_filler
    return None
