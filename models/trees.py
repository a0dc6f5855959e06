"""Boosted trees in TensorFlow's own operations, so that they are in the SavedModel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from models.model import CATEGORIES, NUMBERS
from models.rows import Features

MOST_VALUES = 254  # of a category, that trees tell apart; bits of a set of them come in words
WORD, WORDS = 32, 8


@dataclass(frozen=True)
class Nodes:
    """All nodes of all trees, one after the other; a leaf is its own child, so that it is never left.

    Attributes:
        column: int32, of the categories, then the numbers.
        edge: float32: what is not above goes left.
        values: int32, of a node that asks for a category: which set of values goes left; -1 for one that compares.
        missing_left: bool, where NaN goes. left, right: int32, the children. value: float32, of a leaf.
        roots: int32 [trees].
        sets: int32 [sets * WORDS], the bits of each set.
        codes: float32 [categories, MOST_VALUES + 1], what each id is called in the sets; NaN for one never seen.
    """

    column: np.ndarray
    edge: np.ndarray
    values: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    sets: np.ndarray
    codes: np.ndarray


class Trees(tf.Module):
    """A fitted ensemble: of the model's inputs to what the objective reads, float32 [batch, outputs]."""

    def __init__(self, nodes: Nodes, depth: int, start: np.ndarray, places: np.ndarray) -> None:
        """`depth`: splits from a root to the deepest leaf; `places` [trees of a round, outputs]: to which output a
        tree's values go; `start` [outputs]: before them."""
        super().__init__()
        self.nodes = {
            name: tf.Variable(array, trainable=False, name=f"trees_{name}") for name, array in vars(nodes).items()
        }
        self.start = tf.Variable(start.astype(np.float32), trainable=False, name="trees_start")
        self.places = tf.Variable(places.astype(np.float32), trainable=False, name="trees_places")
        self._depth, self._asks_categories = depth, bool((nodes.values >= 0).any())

    @property
    def count(self) -> int:
        """How many trees there are."""
        return int(self.nodes["roots"].shape[0])

    def __call__(self, inputs: Features | dict[str, tf.Tensor]) -> tf.Tensor:
        nodes = {name: tf.convert_to_tensor(variable) for name, variable in self.nodes.items()}
        table = _table(inputs, nodes["codes"])
        at = tf.repeat(nodes["roots"][tf.newaxis, :], tf.shape(table)[0], axis=0)  # [batch, trees]
        for _ in range(self._depth):
            seen = tf.gather(table, tf.gather(nodes["column"], at), batch_dims=1)
            missing = tf.math.is_nan(seen)
            goes_left = seen <= tf.gather(nodes["edge"], at)
            if self._asks_categories:
                asked = tf.gather(nodes["values"], at)
                goes_left = tf.where(asked >= 0, _is_in(nodes["sets"], asked, seen), goes_left)
            goes_left = tf.where(missing, tf.gather(nodes["missing_left"], at), goes_left)
            at = tf.where(goes_left, tf.gather(nodes["left"], at), tf.gather(nodes["right"], at))
        said = tf.gather(nodes["value"], at)
        said = tf.reshape(said, [-1, self.count // self.places.shape[0], self.places.shape[0]])
        return tf.reduce_sum(said, axis=1) @ self.places + self.start


def _table(inputs: Features | dict[str, tf.Tensor], codes: tf.Tensor) -> tf.Tensor:
    """Float32 [batch, categories + numbers], NaN where there is nothing to go by."""
    columns = []
    if CATEGORIES in inputs:
        ids = tf.minimum(tf.cast(inputs[CATEGORIES], tf.int32), codes.shape[1] - 1)
        columns.append(tf.transpose(tf.gather(codes, tf.transpose(ids), batch_dims=1)))
    if NUMBERS in inputs:
        columns.append(tf.cast(inputs[NUMBERS], tf.float32))
    return tf.concat(columns, axis=1)


def _is_in(sets: tf.Tensor, asked: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """Whether a code is in a set; whatever where there is no set or no code."""
    code = tf.cast(tf.clip_by_value(tf.where(tf.math.is_nan(seen), 0.0, seen), 0.0, float(MOST_VALUES)), tf.int32)
    word = tf.gather(sets, tf.maximum(asked, 0) * WORDS + code // WORD)
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(word, code % WORD), 1) == 1
