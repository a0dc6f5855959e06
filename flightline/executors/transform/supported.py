"""Which preprocessing functions the fast Transform supports; checked before anything is written."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

OUTPUT_DTYPES = (tf.float32, tf.int64, tf.string)


class UnsupportedTransformError(Exception):
    """The fast Transform does not support this execution; the message says why."""


def check_outputs(outputs: Any, graph: tf.Graph) -> None:
    """Checks that all outputs of the preprocessing_fn are dense columns of a fixed shape.

    Stock Transform rejects some of the others too, with its own error.

    Raises:
        UnsupportedTransformError: an output is something else.
    """
    if not isinstance(outputs, Mapping) or not outputs:
        raise UnsupportedTransformError("preprocessing_fn returns no dictionary of outputs")
    if graph.get_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES):
        raise UnsupportedTransformError("preprocessing_fn creates trainable variables")
    for name, tensor in outputs.items():
        if not isinstance(tensor, tf.Tensor):
            raise UnsupportedTransformError(f"output {name!r} is a {type(tensor).__name__}, not a dense tensor")
        if tensor.dtype not in OUTPUT_DTYPES:
            raise UnsupportedTransformError(f"output {name!r} is {tensor.dtype.name}, not float32, int64 or string")
        if tensor.shape.rank is None or tensor.shape.rank < 1:
            raise UnsupportedTransformError(f"output {name!r} has shape {tensor.shape}, which has no batch dimension")
        if not all(tensor.shape.as_list()[1:]):
            raise UnsupportedTransformError(
                f"output {name!r} has shape {tensor.shape}, whose inner dimensions are unknown or zero"
            )
