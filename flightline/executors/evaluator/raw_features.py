"""Raw features of serialized tf.Examples, with at most one value per row."""

import dataclasses
from collections.abc import Collection

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders import example_coder

from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError


@dataclasses.dataclass(frozen=True)
class RawColumn:
    """A feature of a batch: `values` of the rows where `present` [rows, bool] is true, in row order."""

    values: np.ndarray
    present: np.ndarray


class RawFeatureParser:
    """Parses a few features out of batches of examples, their types learned from the data as TFXIO does."""

    def __init__(self, names: Collection[str]) -> None:
        self._unknown = set(names)
        self._spec: dict[str, tf.io.RaggedFeature] = {}
        self._decoder = example_coder.ExamplesToRecordBatchDecoder()

    def parse(self, examples: tf.Tensor) -> dict[str, RawColumn]:
        """Parses serialized tf.Examples [rows]; features without a value in any row so far are left out.

        Raises:
          UnsupportedEvaluationError: a feature has several values in a row, or another type than before.
        """
        if self._unknown:
            self._learn_types(examples)
        if not self._spec:
            return {}
        try:
            parsed = tf.io.parse_example(examples, self._spec)
        except tf.errors.InvalidArgumentError as error:
            raise UnsupportedEvaluationError(f"examples differ in their types: {error.message}") from error
        return {name: _single_values(name, feature) for name, feature in parsed.items()}

    def _learn_types(self, examples: tf.Tensor) -> None:
        batch = self._decoder.DecodeBatch(examples.numpy())
        for name, column_type in zip(batch.schema.names, batch.schema.types, strict=True):
            if name in self._unknown and not pa.types.is_null(column_type):
                self._spec[name] = tf.io.RaggedFeature(_tensor_type(column_type.value_type))
                self._unknown.remove(name)


def _tensor_type(value_type: pa.DataType) -> tf.DType:
    if pa.types.is_integer(value_type):
        return tf.int64
    return tf.float32 if pa.types.is_floating(value_type) else tf.string


def _single_values(name: str, feature: tf.RaggedTensor) -> RawColumn:
    counts = feature.row_lengths().numpy()
    if counts.max(initial=0) > 1:
        raise UnsupportedEvaluationError(f"feature {name!r} has several values in a row")
    return RawColumn(values=feature.values.numpy(), present=counts == 1)
