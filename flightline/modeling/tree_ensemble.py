"""Boosted trees in TensorFlow's own operations, so that they are in the SavedModel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from flightline.modeling.model import CATEGORICAL_INPUT, NUMERIC_INPUT
from flightline.modeling.training_data import FeatureMatrices

MAX_CATEGORY_CODES = 255  # of a category, that trees tell apart
UNKNOWN_CATEGORY_CODE = MAX_CATEGORY_CODES  # the code of every other one


@dataclass(frozen=True)
class TreeNodes:
    """All nodes of all trees, one after the other. The right child comes after the left one; a leaf is its own left
    child and never goes right, so that it is never left.

    Attributes:
        column: int32, of the table that `Trees` makes of its inputs.
        edge: float32: what is above goes right.
        asks: int32, which row of `right_categories` says what goes right instead; 0 where the edge does.
        left: int32, the left child. value: float32, of a leaf.
        roots: int32 [trees].
        right_categories: bool [rows, UNKNOWN + 1], by the code of a category.
        codes: int32 [categories, MOST_VALUES + 1], the code of each id, and of those above.
    """

    column: np.ndarray
    edge: np.ndarray
    asks: np.ndarray
    left: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    right_categories: np.ndarray
    codes: np.ndarray


class TreeEnsemble(tf.Module):
    """A fitted ensemble: of the model's inputs to what the objective reads, float32 [batch, outputs]."""

    def __init__(self, nodes: TreeNodes, depth: int, start: np.ndarray, places: np.ndarray) -> None:
        """`depth`: splits from a root to the deepest leaf; `places` [trees of a round, outputs]: to which output a
        tree's values go; `start` [outputs]: before them."""
        super().__init__()
        self.nodes = {
            name: tf.Variable(array, trainable=False, name=f"trees_{name}") for name, array in vars(nodes).items()
        }
        self.start = tf.Variable(start.astype(np.float32), trainable=False, name="trees_start")
        self.places = tf.Variable(places.astype(np.float32), trainable=False, name="trees_places")
        self._depth, self._has_category_splits = depth, bool(nodes.asks.any())

    @property
    def count(self) -> int:
        """How many trees there are."""
        return int(self.nodes["roots"].shape[0])

    def __call__(self, inputs: FeatureMatrices | dict[str, tf.Tensor]) -> tf.Tensor:
        nodes = {name: tf.convert_to_tensor(variable) for name, variable in self.nodes.items()}
        table = _input_matrix(inputs, nodes["codes"])
        flat_right_categories = tf.reshape(nodes["right_categories"], [-1])
        at = tf.repeat(nodes["roots"][tf.newaxis, :], tf.shape(table)[0], axis=0)  # [batch, trees]
        for _ in range(self._depth):
            seen = tf.gather(table, tf.gather(nodes["column"], at), batch_dims=1)
            goes_right = seen > tf.gather(nodes["edge"], at)
            if self._has_category_splits:
                asks = tf.gather(nodes["asks"], at)
                code = tf.cast(tf.clip_by_value(seen, 0.0, float(UNKNOWN_CATEGORY_CODE)), tf.int32)
                category_goes_right = tf.gather(flat_right_categories, asks * (UNKNOWN_CATEGORY_CODE + 1) + code)
                goes_right = tf.where(asks > 0, category_goes_right, goes_right)
            at = tf.gather(nodes["left"], at) + tf.cast(goes_right, tf.int32)
        said = tf.gather(nodes["value"], at)
        said = tf.reshape(said, [-1, self.count // self.places.shape[0], self.places.shape[0]])
        return tf.reduce_sum(said, axis=1) @ self.places + self.start


def _input_matrix(inputs: FeatureMatrices | dict[str, tf.Tensor], codes: tf.Tensor) -> tf.Tensor:
    """Float32 [batch, numbers + numbers + categories]: a missing number is the least, then the greatest there is."""
    columns = []
    if NUMERIC_INPUT in inputs:
        numbers = tf.cast(inputs[NUMERIC_INPUT], tf.float32)
        columns += [tf.where(tf.math.is_nan(numbers), np.float32(taken), numbers) for taken in (-np.inf, np.inf)]
    if CATEGORICAL_INPUT in inputs:
        ids = tf.minimum(tf.cast(inputs[CATEGORICAL_INPUT], tf.int32), codes.shape[1] - 1)
        columns.append(tf.cast(tf.transpose(tf.gather(codes, tf.transpose(ids), batch_dims=1)), tf.float32))
    return tf.concat(columns, axis=1)
