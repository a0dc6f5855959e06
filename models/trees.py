"""Boosted trees beside the network: scikit-learn's, in TensorFlow's own operations, so that they are in the SavedModel.

A network learns what is smooth, trees what has steps; on most tables the mean of both is better than boosting alone
(benchmarks/quality.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from models.model import CATEGORIES, NUMBERS
from models.objective import Objective
from models.rows import Features, Rows
from models.settings import ModelSettings

_NEVER = -30.0  # the logit of a class that no training row has
_DEEPEST = 6  # splits from the root to a leaf: so many steps answer a row
_LEAST_ROWS = 10  # in a leaf
_COLUMNS_A_SPLIT = 0.5  # share that is looked at: trees that differ say more together
_SHRINKAGE_L2 = 1.0
_ORDER = (NUMBERS, CATEGORIES)


@dataclass(frozen=True)
class _Nodes:
    """All nodes of all trees, one after the other; a leaf is its own child, so that it is never left."""

    column: np.ndarray
    edge: np.ndarray  # float32: what is not above goes left
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray


class Trees(tf.Module):
    """A fitted ensemble: of the model's inputs to what the objective reads, float32 [batch, outputs]."""

    def __init__(self, nodes: _Nodes, start: np.ndarray, places: np.ndarray) -> None:
        """`places` [trees of a round, outputs]: to which output a tree's values go; `start` [outputs]: before them."""
        super().__init__()
        self.nodes = {
            name: tf.Variable(array, trainable=False, name=f"trees_{name}") for name, array in vars(nodes).items()
        }
        self.start = tf.Variable(start.astype(np.float32), trainable=False, name="trees_start")
        self.places = tf.Variable(places.astype(np.float32), trainable=False, name="trees_places")

    @property
    def count(self) -> int:
        """How many trees there are."""
        return int(self.nodes["roots"].shape[0])

    def __call__(self, inputs: Features | dict[str, tf.Tensor]) -> tf.Tensor:
        table = tf.concat([tf.cast(inputs[name], tf.float32) for name in _ORDER if name in inputs], axis=1)
        column, edge, missing_left, left, right, value, roots = (
            tf.convert_to_tensor(self.nodes[name]) for name in _Nodes.__dataclass_fields__
        )
        at = tf.repeat(roots[tf.newaxis, :], tf.shape(table)[0], axis=0)  # [batch, trees]
        for _ in range(_DEEPEST):
            seen = tf.gather(table, tf.gather(column, at), batch_dims=1)
            goes_left = tf.where(tf.math.is_nan(seen), tf.gather(missing_left, at), seen <= tf.gather(edge, at))
            at = tf.where(goes_left, tf.gather(left, at), tf.gather(right, at))
        said = tf.reshape(tf.gather(value, at), [-1, self.count // self.places.shape[0], self.places.shape[0]])
        return tf.reduce_sum(said, axis=1) @ self.places + self.start


def fit_trees(rows: Rows, settings: ModelSettings, objective: Objective, outputs: int, seed: int) -> Trees | None:
    """Boosts `settings.trees` rounds on all rows, held-out ones too: trees do not stop early.

    None where the settings ask for no trees, or labels are all the same, and trees have nothing to say.
    """
    labels = objective.scaled(rows.labels)
    found = np.unique(labels)
    if not settings.trees or len(found) < 2:
        return None
    # Takes a second, which only a model with trees pays.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    regression = objective.task == "regression"
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    model = kind(
        learning_rate=settings.tree_learning_rate,
        max_iter=settings.trees,
        max_leaf_nodes=settings.tree_leaves,
        max_depth=_DEEPEST,
        min_samples_leaf=_LEAST_ROWS,
        l2_regularization=_SHRINKAGE_L2,
        max_features=_COLUMNS_A_SPLIT,
        early_stopping=False,
        random_state=seed,
    )
    table = np.concatenate([rows.features[name] for name in _ORDER if name in rows.features], axis=1, dtype=np.float32)
    with threadpool_limits(1):  # sums in one order on any machine, and no thread waits for another
        model.fit(table, labels)
    start, places = _places(model, None if regression else found.astype(int), outputs)
    return Trees(_nodes(model), start, places)


def _places(model: Any, classes: np.ndarray | None, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a fitted model, what each output is without any tree, and to which output each tree of a round adds."""
    baseline = np.ravel(model._baseline_prediction)  # [trees of a round]
    if classes is None or outputs == 1:
        return baseline, np.eye(1)
    start, places = np.full(outputs, _NEVER), np.zeros((len(baseline), outputs))
    start[classes] = 0.0
    with_trees = classes[-len(baseline) :]  # of two classes, only the second has trees
    start[with_trees] = baseline
    places[np.arange(len(baseline)), with_trees] = 1.0
    return start, places


def _nodes(model: Any) -> _Nodes:
    """The nodes as scikit-learn keeps them. They are no part of its promises: a test holds our answers against its."""
    trees = [tree.nodes for of_round in model._predictors for tree in of_round]
    roots = np.cumsum([0, *(len(tree) for tree in trees[:-1])])
    every = np.concatenate(trees)
    leaf = every["is_leaf"].astype(bool)
    itself = np.arange(len(every))
    offset = np.repeat(roots, [len(tree) for tree in trees])
    edges = every["num_threshold"].astype(np.float32)
    # An edge lies between two values of float32: rounded down it still does.
    edges = np.where(edges > every["num_threshold"], np.nextafter(edges, np.float32(-np.inf)), edges)
    return _Nodes(
        column=np.where(leaf, 0, every["feature_idx"]).astype(np.int32),
        edge=edges.astype(np.float32),
        missing_left=every["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, every["left"] + offset).astype(np.int32),
        right=np.where(leaf, itself, every["right"] + offset).astype(np.int32),
        value=np.where(leaf, every["value"], 0.0).astype(np.float32),
        roots=roots.astype(np.int32),
    )
