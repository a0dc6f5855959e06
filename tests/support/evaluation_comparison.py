"""Running the fast Evaluator and TFX's own on the same artifacts, and comparing all that they wrote."""

import json
import math
from pathlib import Path
from typing import Any

import evaluation_data
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer
from tfx.components.evaluator import executor
from tfx.dsl.components.base import base_beam_executor

from flightline.components.evaluator import SliceGapExecutor
from flightline.components.fast_evaluator import FastEvaluatorExecutor

BEAM_ARGS = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=local"]
EXACT_METRICS = {
    "example_count",
    "auc",
    "auc_precision_recall",
    "auc_200",
    "binary_accuracy",
    "precision",
    "recall",
    "roc",
}
# Sums of the same float64 numbers in another order; Keras metrics are summed by stock in float32.
TOLERANCE = 1e-7
KERAS_TOLERANCE = 1e-6
KERAS_METRICS = {"binary_crossentropy", "root_mean_squared_error"}


def metric_threshold(lower: float, change: float | None = None) -> config_pb2.MetricThreshold:
    result = config_pb2.MetricThreshold()
    result.value_threshold.lower_bound.value = lower
    if change is not None:
        result.change_threshold.direction = config_pb2.HIGHER_IS_BETTER
        result.change_threshold.absolute.value = change
    return result


def run_stock(execution: evaluation_data.Execution) -> None:
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=list(BEAM_ARGS))
    executor.Executor(context).Do(execution.inputs, execution.outputs, execution.properties)


def run_stock_with_gates(execution: evaluation_data.Execution) -> None:
    """TFX's own with our bins and gaps: what other engines run."""
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=list(BEAM_ARGS))
    SliceGapExecutor(context).Do(execution.inputs, execution.outputs, execution.properties)


def run_fast(execution: evaluation_data.Execution) -> None:
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=list(BEAM_ARGS))
    FastEvaluatorExecutor(context).Do(execution.inputs, execution.outputs, execution.properties)


def file_names(directory: str) -> list[str]:
    return sorted(path.name for path in Path(directory).iterdir())


def read_eval_config(directory: str) -> dict[str, Any]:
    return json.loads((Path(directory) / "eval_config.json").read_text())


def assert_same_slices(fast: str, stock: str, kind: str) -> None:
    ours, theirs = load_slices(fast, kind), load_slices(stock, kind)
    assert ours.keys() == theirs.keys()
    for slice_key, values in theirs.items():
        assert ours[slice_key].keys() == values.keys()
        for key, value in values.items():
            assert ours[slice_key][key] == approximately(value, tolerance_for(key)), (slice_key, key)


def load_slices(directory: str, kind: str) -> dict[str, dict[str, Any]]:
    """By slice key and by metric or plot key, the value as plain data."""
    if kind == "metrics":
        return {
            f"{m.slice_key}{m.cross_slice_key}": {
                str(v.key): json_format.MessageToDict(v.value) for v in m.metric_keys_and_values
            }
            for m in tfma_writer.load_and_deserialize_metrics(directory)
        }
    return {
        f"{p.slice_key}{p.cross_slice_key}": {
            str(v.key): json_format.MessageToDict(v.value) for v in p.plot_keys_and_values
        }
        for p in tfma_writer.load_and_deserialize_plots(directory)
    }


def tolerance_for(key: str) -> float:
    name = key.split('"')[1] if key.startswith("name") else ""
    if name in EXACT_METRICS:
        return 0.0
    return KERAS_TOLERANCE if name in KERAS_METRICS else TOLERANCE


def read_validation(directory: str) -> dict[str, Any]:
    result = json_format.MessageToDict(tfma.load_validation_result(directory))
    result["metricValidationsPerSlice"] = sorted(result.get("metricValidationsPerSlice", []), key=json.dumps)
    details = result.get("validationDetails", {})  # in the order in which Beam came to the slices
    details["slicingDetails"] = sorted(details.get("slicingDetails", []), key=json.dumps)
    return result


class approximately:  # noqa: N801
    """Equal to plain data but for the given relative difference of its numbers; NaN equals NaN."""

    def __init__(self, expected: Any, relative: float) -> None:
        self.expected, self.relative = expected, relative

    def __eq__(self, actual: object) -> bool:
        return self._same(actual, self.expected)

    def __repr__(self) -> str:
        return repr(self.expected)

    def _same(self, a: Any, b: Any) -> bool:
        if isinstance(b, dict):
            return isinstance(a, dict) and a.keys() == b.keys() and all(self._same(a[k], b[k]) for k in b)
        if isinstance(b, list):
            return isinstance(a, list) and len(a) == len(b) and all(map(self._same, a, b))
        if isinstance(b, float) and isinstance(a, float):
            # A difference between models is as exact as what was subtracted: hence the absolute term.
            return math.isclose(a, b, rel_tol=self.relative, abs_tol=self.relative) or (math.isnan(a) and math.isnan(b))
        return bool(a == b)
