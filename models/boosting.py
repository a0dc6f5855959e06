"""Fits boosted trees: scikit-learn's HistGradientBoosting, told which columns are categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.model import CATEGORIES, NUMBERS
from models.objective import Objective
from models.rows import Features, Rows
from models.settings import ModelSettings
from models.trees import MOST_VALUES, Nodes, Trees

_NEVER = -30.0  # the logit of a class that no training row has
_DEEPEST = 10  # splits from the root to a leaf: so many steps answer a row
_LEAST_ROWS = 10  # in a leaf
_COLUMNS_A_SPLIT = 0.5  # share that is looked at: trees that differ say more together
_SHRINKAGE_L2 = 1.0


def fit_trees(rows: Rows, settings: ModelSettings, objective: Objective, outputs: int, seed: int) -> Trees | None:
    """Boosts `settings.trees` rounds on all rows: trees do not stop early.

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
    codes = _codes(rows.features)
    model = kind(
        learning_rate=settings.tree_learning_rate,
        max_iter=settings.trees,
        max_leaf_nodes=settings.tree_leaves,
        max_depth=_DEEPEST,
        min_samples_leaf=_LEAST_ROWS,
        l2_regularization=_SHRINKAGE_L2,
        max_features=_COLUMNS_A_SPLIT,
        categorical_features=list(range(len(codes))),
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):  # sums in one order on any machine, and no thread waits for another
        model.fit(_table(rows.features, codes), labels)
    start, places = _places(model, None if regression else found.astype(int), outputs)
    nodes, depth = _nodes(model, codes)
    return Trees(nodes, depth, start, places)


def _codes(features: Features) -> np.ndarray:
    """Float32 [categories, MOST_VALUES + 1]: by id, its place among those that there are, NaN where it is none.

    The ids of a vocabulary come by how often a value is there: those that are too many are the rare ones.
    """
    ids = features.get(CATEGORIES, np.zeros((0, 0), np.int32))
    codes = np.full((ids.shape[1], MOST_VALUES + 1), np.nan, np.float32)
    for column, of_column in enumerate(ids.T):
        found = np.unique(of_column)
        found = found[found < MOST_VALUES]
        codes[column, found] = np.arange(len(found))
    return codes


def _table(features: Features, codes: np.ndarray) -> np.ndarray:
    """Float32 [rows, categories + numbers]. scikit-learn puts categories first: so the places of columns are ours."""
    columns = []
    if CATEGORIES in features:
        columns.append(np.take_along_axis(codes.T, np.minimum(features[CATEGORIES], MOST_VALUES), axis=0))
    if NUMBERS in features:
        columns.append(features[NUMBERS])
    return np.concatenate(columns, axis=1, dtype=np.float32)


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


def _nodes(model: Any, codes: np.ndarray) -> tuple[Nodes, int]:
    """The nodes as scikit-learn keeps them, and how deep the deepest is. They are no part of its promises: a test holds
    our answers against its."""
    predictors = [tree for of_round in model._predictors for tree in of_round]
    sizes = [len(tree.nodes) for tree in predictors]
    roots = np.cumsum([0, *sizes[:-1]])
    offset = np.repeat(roots, sizes)
    every = np.concatenate([tree.nodes for tree in predictors])
    sets = [tree.raw_left_cat_bitsets for tree in predictors]
    first_set = np.repeat(np.cumsum([0, *(len(of_tree) for of_tree in sets[:-1])]), sizes)
    leaf = every["is_leaf"].astype(bool)
    itself = np.arange(len(every))
    nodes = Nodes(
        column=np.where(leaf, 0, every["feature_idx"]).astype(np.int32),
        edge=_rounded_down(every["num_threshold"]),
        values=np.where(every["is_categorical"] & ~leaf, every["bitset_idx"] + first_set, -1).astype(np.int32),
        missing_left=every["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, every["left"] + offset).astype(np.int32),
        right=np.where(leaf, itself, every["right"] + offset).astype(np.int32),
        value=np.where(leaf, every["value"], 0.0).astype(np.float32),
        roots=roots.astype(np.int32),
        sets=np.concatenate(sets).astype(np.uint32).view(np.int32).ravel(),
        codes=codes,
    )
    return nodes, int(every["depth"].max())


def _rounded_down(edges: np.ndarray) -> np.ndarray:
    """Float32 of edges between two values of float32: rounded down, they still part them."""
    rounded = edges.astype(np.float32)
    return np.where(rounded > edges, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
