"""Boosted trees in TensorFlow operations, so that the SavedModel holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from flightline.modeling.model_io import CATEGORICAL_INPUT, NUMERIC_INPUT
from flightline.modeling.training_data import FeatureMatrices

MAX_CATEGORY_CODES = 255  # values of one category that trees can tell apart
UNKNOWN_CATEGORY_CODE = MAX_CATEGORY_CODES  # the code of all other values


@dataclass(frozen=True)
class TreeNodes:
    """All nodes of all trees, one tree after the other.

    The right child of a node directly follows its left child. A leaf is its own left child and never sends a row to
    the right, so that a row stays in its leaf.

    Attributes:
        input_column: int32 [nodes], the column of the input matrix (`_input_matrix`) that a node compares.
        threshold: float32 [nodes], greater values go right.
        category_rule: int32 [nodes], the row of `right_categories` that decides for a category; 0 where the threshold
            decides.
        left_child: int32 [nodes]. leaf_value: float32 [nodes].
        roots: int32 [trees].
        right_categories: bool [rules, UNKNOWN_CATEGORY_CODE + 1], whether a category code goes right.
        codes: int32 [categories, MAX_CATEGORY_CODES + 1], the code of each id; the last one is that of all higher ids.
    """

    input_column: np.ndarray
    threshold: np.ndarray
    category_rule: np.ndarray
    left_child: np.ndarray
    leaf_value: np.ndarray
    roots: np.ndarray
    right_categories: np.ndarray
    codes: np.ndarray


class TreeEnsemble(tf.Module):
    """A fitted ensemble: from the model's inputs to float32 [batch, outputs], as a network's."""

    def __init__(self, nodes: TreeNodes, depth: int, initial_bias: np.ndarray, output_map: np.ndarray) -> None:
        """Store the trees as variables.

        Args:
            nodes: of all trees.
            depth: number of splits from a root to the deepest leaf.
            initial_bias: [outputs], what the trees add to.
            output_map: [trees per round, outputs], 1 at the output that a tree of a round adds to.
        """
        super().__init__()
        self.nodes = {
            name: tf.Variable(array, trainable=False, name=f"trees_{name}") for name, array in vars(nodes).items()
        }
        self.initial_bias = tf.Variable(initial_bias.astype(np.float32), trainable=False, name="trees_initial_bias")
        self.output_map = tf.Variable(output_map.astype(np.float32), trainable=False, name="trees_output_map")
        self._depth, self._has_category_rules = depth, bool(nodes.category_rule.any())

    @property
    def count(self) -> int:
        """Number of trees."""
        return int(self.nodes["roots"].shape[0])

    def __call__(self, inputs: FeatureMatrices | dict[str, tf.Tensor]) -> tf.Tensor:
        nodes = {name: tf.convert_to_tensor(variable) for name, variable in self.nodes.items()}
        matrix = _input_matrix(inputs, nodes["codes"])
        flat_right_categories = tf.reshape(nodes["right_categories"], [-1])
        node = tf.repeat(nodes["roots"][tf.newaxis, :], tf.shape(matrix)[0], axis=0)  # [batch, trees]
        for _ in range(self._depth):
            value = tf.gather(matrix, tf.gather(nodes["input_column"], node), batch_dims=1)
            goes_right = value > tf.gather(nodes["threshold"], node)
            if self._has_category_rules:
                rule = tf.gather(nodes["category_rule"], node)
                code = tf.cast(tf.clip_by_value(value, 0.0, float(UNKNOWN_CATEGORY_CODE)), tf.int32)
                category_goes_right = tf.gather(flat_right_categories, rule * (UNKNOWN_CATEGORY_CODE + 1) + code)
                goes_right = tf.where(rule > 0, category_goes_right, goes_right)
            node = tf.gather(nodes["left_child"], node) + tf.cast(goes_right, tf.int32)
        leaf_values = tf.gather(nodes["leaf_value"], node)
        per_round = self.output_map.shape[0]
        leaf_values = tf.reshape(leaf_values, [-1, self.count // per_round, per_round])
        return tf.reduce_sum(leaf_values, axis=1) @ self.output_map + self.initial_bias


def _input_matrix(inputs: FeatureMatrices | dict[str, tf.Tensor], codes: tf.Tensor) -> tf.Tensor:
    """Stack what the nodes compare: float32 [batch, numbers + numbers + categories].

    Each number is there twice: where it is missing, first as -inf, which goes left, then as +inf, which goes right.
    """
    columns = []
    if NUMERIC_INPUT in inputs:
        numbers = tf.cast(inputs[NUMERIC_INPUT], tf.float32)
        columns += [tf.where(tf.math.is_nan(numbers), np.float32(filler), numbers) for filler in (-np.inf, np.inf)]
    if CATEGORICAL_INPUT in inputs:
        ids = tf.minimum(tf.cast(inputs[CATEGORICAL_INPUT], tf.int32), codes.shape[1] - 1)
        columns.append(tf.cast(tf.transpose(tf.gather(codes, tf.transpose(ids), batch_dims=1)), tf.float32))
    return tf.concat(columns, axis=1)
