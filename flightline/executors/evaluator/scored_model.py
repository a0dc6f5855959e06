"""A SavedModel as TFMA calls it: predictions and transformed features of serialized examples."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2

from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

_SERVING_DEFAULT = "serving_default"
# What TFMA tries on a model whose spec names no preprocessing functions.
_IMPLICIT_PREPROCESSING = ("transformed_features", "transformed_labels")


class ScoredModel:
    """A model whose signatures take one string tensor [rows] of serialized tf.Examples.

    Attributes:
      feature_names: which of the wanted features the model computes itself. TFMA looks labels and slices up
        there first, then among the raw features.
    """

    def __init__(self, path: str, spec: config_pb2.ModelSpec, wanted: Collection[str]) -> None:
        """Loads the SavedModel at `path`; `wanted` names the features that labels and slices need.

        Raises:
          UnsupportedEvaluationError: a signature is missing or takes something else.
        """
        self._model = tf.saved_model.load(path)
        self._predict = self._signature(spec.signature_name or _SERVING_DEFAULT)
        self._transforms = [self._signature(name) for name in spec.preprocessing_function_names]
        if not self._transforms and any(name in self._model.signatures for name in _IMPLICIT_PREPROCESSING):
            raise UnsupportedEvaluationError("the model has preprocessing functions that its spec does not name")
        computed = {name for transform in self._transforms for name in transform.structured_outputs}
        self.feature_names = frozenset(computed) & frozenset(wanted)
        self._wanted_features = tf.function(
            self._trace_features, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
        )

    def predict(self, examples: tf.Tensor) -> np.ndarray:
        """Returns the predictions [rows], in the model's own float type."""
        outputs = _call_signature(self._predict, examples)
        if len(outputs) != 1:
            raise UnsupportedEvaluationError(f"the model has {len(outputs)} outputs: {', '.join(sorted(outputs))}")
        (predictions,) = outputs.values()
        return flatten_one_per_row(predictions.numpy(), len(examples), "the prediction")

    def transform(self, examples: tf.Tensor) -> dict[str, np.ndarray]:
        """Returns the wanted features [rows] that the model computes, by name."""
        if not self.feature_names:
            return {}
        outputs = self._wanted_features(examples)
        return {name: flatten_one_per_row(value.numpy(), len(examples), name) for name, value in outputs.items()}

    def _trace_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        # Traced as one function so that TensorFlow prunes the features that are not needed.
        outputs: dict[str, tf.Tensor] = {}
        for transform in self._transforms:
            outputs.update(_call_signature(transform, examples))
        return {name: outputs[name] for name in sorted(self.feature_names)}

    def _signature(self, name: str) -> Any:
        if name not in self._model.signatures:
            raise UnsupportedEvaluationError(f"the model has no signature {name!r}")
        signature = self._model.signatures[name]
        inputs = signature.structured_input_signature[1]
        if [spec.dtype for spec in inputs.values()] != [tf.string]:
            raise UnsupportedEvaluationError(f"signature {name!r} takes {sorted(inputs)}, not serialized examples")
        return signature


def _call_signature(signature: Any, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
    (argument,) = signature.structured_input_signature[1]
    return signature(**{argument: examples})


def flatten_one_per_row(values: np.ndarray, rows: int, subject: str) -> np.ndarray:
    """Returns [rows] values given as [rows] or [rows, 1, ...].

    Raises:
      UnsupportedEvaluationError: there is not exactly one value a row.
    """
    if values.shape[:1] != (rows,) or values.size != rows:
        raise UnsupportedEvaluationError(f"{subject} has shape {values.shape} for {rows} rows")
    return values.reshape(rows)
