"""Metrics of filled accumulators equal those of TFMA's combiners, which get the same rows one by one."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as stock
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from flightline.executors.evaluator.accumulators import make_accumulator_filler
from flightline.executors.evaluator.results import compute_metrics
from flightline.executors.evaluator.scoring import Scores
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

# (class, options). Few thresholds keep TFMA's Python quick.
COUNTED = [
    ("ExampleCount", {}),
    ("AUC", {"num_thresholds": 11}),
    ("AUC", {"name": "pr", "num_thresholds": 11, "curve": "PR", "summation_method": "majoring"}),
    ("AUCPrecisionRecall", {"num_thresholds": 11}),
    ("BinaryAccuracy", {}),
    ("BinaryAccuracy", {"name": "accuracy_0.3", "threshold": 0.3}),
    ("Precision", {"thresholds": [0.1, 0.3]}),
    ("Recall", {"thresholds": 0.0}),
]
# TFMA uses a histogram of one bucket for these, and fails without rows.
BELOW_ZERO = [("Precision", {"thresholds": -0.5}), ("Recall", {"thresholds": -0.5})]
SUMMED = [("Calibration", {}), ("MeanLabel", {}), ("MeanPrediction", {})]
REGRESSION = [("MeanAbsoluteError", {}), ("MeanSquaredError", {})]
CORRELATION = [("SquaredPearsonCorrelation", {})]
KERAS = [
    ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"name": "logits", "from_logits": True, "label_smoothing": 0.1}),
    ("RootMeanSquaredError", {}),
]

ROWS = 12
# Edges, ties at thresholds and at bucket boundaries, and values outside of [0, 1].
ties = st.sampled_from([0.0, 1.0, 0.5, 0.3, 0.1, 0.25, 1e-4, 0.9999, 1.0001, -0.1, 1.5])


def arrays(elements: st.SearchStrategy[Any], *kinds: Any) -> st.SearchStrategy[np.ndarray]:
    values = st.lists(elements, min_size=ROWS, max_size=ROWS)
    return st.builds(np.array, values, st.sampled_from(kinds))


predictions_of = arrays(ties | st.floats(0, 1), np.float32)
binary_labels = arrays(st.integers(0, 1), np.int64, np.float32)
some_rows = st.sets(st.integers(0, ROWS - 1)).map(lambda rows: np.array(sorted(rows), np.int32))


def make_config(metrics: list[Any]) -> config_pb2.EvalConfig:
    configs = [config_pb2.MetricConfig(class_name=name, config=json.dumps(options)) for name, options in metrics]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key="label")],
        metrics_specs=[config_pb2.MetricsSpec(metrics=configs, model_names=[""])],
    )


def tfma_metrics(config: config_pb2.EvalConfig, labels: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
    """TFMA's combiners and derivations on rows as its extractors shape them."""
    computations = stock._filter_and_separate_computations(
        metric_specs.to_computations(list(config.metrics_specs), eval_config=config)
    )
    metrics: dict[Any, Any] = {}
    for computation in computations.non_derived_computations:
        combiner = computation.combiner
        combiner.setup()
        accumulator = combiner.create_accumulator()
        for label, prediction in zip(labels, predictions, strict=True):
            row = metric_types.StandardMetricInputs(label=np.array([label]), prediction=np.array([prediction]))
            accumulator = combiner.add_input(accumulator, row)
        metrics.update(combiner.extract_output(accumulator))
    for derived in computations.derived_computations:
        metrics.update(derived.result(metrics))
    return {k.name: v for k, v in metrics.items() if not k.name.startswith("_")}


def assert_same_metrics(
    metrics: list[Any], labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray, tolerance: float
) -> None:
    config = make_config(metrics)
    ((_, result),) = compute_metrics(config, {"": Scores(labels, predictions)}, {(): rows})
    expected = tfma_metrics(config, labels[rows], predictions[rows])
    assert {key.name for key in result} == expected.keys()
    assert len(expected) == len(metrics)
    for key, value in result.items():
        np.testing.assert_allclose(value, expected[key.name], rtol=tolerance, err_msg=key.name)


@given(binary_labels, predictions_of, some_rows.filter(len))
@settings(deadline=None, max_examples=60)
def test_counted_metrics_equal_tfma_exactly(labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray) -> None:
    assert_same_metrics(COUNTED, labels, predictions, rows, tolerance=0.0)


@pytest.mark.parametrize("metric", COUNTED, ids=str)
def test_counted_metrics_of_no_rows_equal_tfma(metric: Any) -> None:
    """TFMA 0.52 raises a TypeError for some metrics; Flightline raises the same."""
    no_rows = np.zeros(0, np.int64), np.zeros(0, np.float32)
    try:
        tfma_metrics(make_config([metric]), *no_rows)
    except TypeError as error:
        with pytest.raises(type(error)):
            assert_same_metrics([metric], *no_rows, np.zeros(0, np.int32), tolerance=0.0)
    else:
        assert_same_metrics([metric], *no_rows, np.zeros(0, np.int32), tolerance=0.0)


@given(binary_labels, predictions_of, some_rows.filter(len))
@settings(deadline=None, max_examples=30)
def test_thresholds_below_zero_equal_tfma(labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray) -> None:
    assert_same_metrics(BELOW_ZERO, labels, predictions, rows, tolerance=0.0)


@given(binary_labels, predictions_of, some_rows)
@settings(deadline=None, max_examples=30)
def test_summed_metrics_equal_tfma(labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray) -> None:
    assert_same_metrics(SUMMED, labels, predictions, rows, tolerance=1e-12)


@given(
    arrays(st.integers(0, 1000), np.int64, np.float32),
    arrays(st.floats(-1000, 1000), np.float32, np.float64),
    some_rows.filter(len),
)
@settings(deadline=None, max_examples=30)
def test_regression_metrics_equal_tfma(labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray) -> None:
    assert_same_metrics(REGRESSION, labels, predictions, rows, tolerance=1e-12)


@given(
    arrays(st.integers(-9, 9), np.int64, np.float32),
    arrays(st.integers(-9, 9).map(lambda eighths: eighths / 8), np.float32),
    some_rows,
)
@settings(deadline=None, max_examples=60)
def test_correlation_equals_tfma_exactly_even_if_undefined(
    labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray
) -> None:
    """The numbers have exact sums: with others, the correlation of constant predictions is rounding error."""
    assert_same_metrics(CORRELATION, labels, predictions, rows, tolerance=0.0)


def test_correlation_of_lognormal_labels_equals_tfma() -> None:
    rng = np.random.default_rng(2)
    labels = rng.lognormal(10, 1, 400)
    predictions = (labels * rng.lognormal(0, 1, 400)).astype(np.float32)
    assert_same_metrics(CORRELATION, labels, predictions, np.arange(400), tolerance=1e-12)


@given(binary_labels, predictions_of, some_rows.filter(len))
@settings(deadline=None, max_examples=30)
def test_keras_metrics_equal_tfma(labels: np.ndarray, predictions: np.ndarray, rows: np.ndarray) -> None:
    # TFMA sums them in float32.
    assert_same_metrics(KERAS, labels, predictions, rows, tolerance=1e-6)


def test_plots_equal_tfma() -> None:
    rng = np.random.default_rng(3)
    labels, predictions = rng.integers(0, 2, 200), rng.random(200, np.float32)
    config = make_config([("CalibrationPlot", {"num_buckets": 10}), ("ConfusionMatrixPlot", {"num_thresholds": 9})])
    ((_, result),) = compute_metrics(config, {"": Scores(labels, predictions)}, {(): np.arange(200)})
    expected = tfma_metrics(config, labels, predictions)
    assert {key.name for key in result} == expected.keys() == {"calibration_plot", "confusion_matrix_plot"}
    for key, plot in result.items():
        assert str(plot) == str(expected[key.name])


def test_keras_metrics_do_not_depend_on_the_chunk_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    scores = {"": Scores(rng.integers(0, 2, 100), rng.random(100, np.float32))}
    config = make_config(KERAS)
    ((_, in_one_chunk),) = compute_metrics(config, scores, {(): np.arange(100)})
    monkeypatch.setattr("flightline.executors.evaluator.keras_row_values._CHUNK_ROWS", 7)
    ((_, chunked),) = compute_metrics(config, scores, {(): np.arange(100)})
    assert in_one_chunk == chunked
    assert all(math.isfinite(value) for value in in_one_chunk.values())


@pytest.mark.parametrize(
    ("metric", "labels", "reason"),
    [
        (("AUC", {}), [0, 2], "labels other than 0 and 1"),
        (("BinaryAccuracy", {}), [0.5, 1.0], "labels other than 0 and 1"),
        (("CalibrationPlot", {"left": 0, "right": 2}), [0, 1], "calibration histogram of something else"),
        (("AUC", {"class_id": 0}), [0, 1], "one class"),
        (("MeanAbsolutePercentageError", {}), [0, 1], "_MeanAbsolutePercentageErrorCombiner is not"),
        (("Hinge", {}), [0, 1], "Keras metric Hinge"),
        (("CoefficientOfDiscrimination", {}), [0, 1], "is not supported"),
    ],
)
def test_unsupported_metrics_are_refused(metric: tuple[str, Any], labels: list[float], reason: str) -> None:
    scores = {"": Scores(np.array(labels), np.array([0.1, 0.7], np.float32))}
    config = make_config([metric])
    with pytest.raises(UnsupportedEvaluationError, match=reason):
        compute_metrics(config, scores, {(): np.arange(2)})


def test_example_weights_are_refused() -> None:
    config = make_config([("Calibration", {})])
    config.model_specs[0].example_weight_key = "weight"
    config.metrics_specs[0].example_weights.weighted = True
    (computation, *_) = metric_specs.to_computations(list(config.metrics_specs), eval_config=config)
    with pytest.raises(UnsupportedEvaluationError, match="example_weighted"):
        make_accumulator_filler(computation, {"": Scores(np.array([0]), np.array([0.5], np.float32))})


def test_metrics_of_an_unknown_model_are_refused() -> None:
    config = make_config([("Calibration", {})])
    with pytest.raises(UnsupportedEvaluationError, match="model '', which is not evaluated"):
        compute_metrics(config, {"candidate": Scores(np.array([0]), np.array([0.5], np.float32))}, {(): np.arange(1)})
