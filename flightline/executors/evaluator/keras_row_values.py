"""The value of each row under the Keras metrics whose state is a total and a count."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

# Rows of one call: bounds the memory of the intermediate tensors.
_CHUNK_ROWS = 1 << 16


def metric_values(metric: Any, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Compute what each row adds to a metric's total [rows, float32], computed by tf_keras itself.

    Args:
      metric: the metric object TFMA made (tf_keras, on every version of TFMA).
      labels, predictions: [rows].

    Raises:
      UnsupportedEvaluationError: the metric's state is not a total and a count of rows.
    """
    row_value = _row_value(metric)
    columns = [values.astype(np.float32)[:, np.newaxis] for values in (labels, predictions)]
    chunks = [
        np.asarray(row_value(*(column[start : start + _CHUNK_ROWS] for column in columns)))
        for start in range(0, len(labels), _CHUNK_ROWS)
    ]
    return np.concatenate(chunks)


def _row_value(metric: Any) -> Callable[[np.ndarray, np.ndarray], Any]:
    config = metric.get_config()
    if type(metric) is tf_keras.metrics.BinaryCrossentropy:
        options = {name: config[name] for name in ("from_logits", "label_smoothing")}
        return lambda labels, predictions: tf_keras.losses.binary_crossentropy(labels, predictions, **options)
    if type(metric) is tf_keras.metrics.RootMeanSquaredError:
        return tf_keras.losses.mean_squared_error
    raise UnsupportedEvaluationError(f"the Keras metric {type(metric).__name__} is not supported")
