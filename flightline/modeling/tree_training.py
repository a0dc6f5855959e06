"""Fits boosted trees: scikit-learn's HistGradientBoosting, told which columns are categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from flightline.config.modeling import ModelSettings
from flightline.modeling.model import CATEGORICAL_INPUT, NUMERIC_INPUT
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import FeatureMatrices, TrainingData
from flightline.modeling.tree_ensemble import MAX_CATEGORY_CODES, UNKNOWN_CATEGORY_CODE, TreeEnsemble, TreeNodes

_ABSENT_CLASS_LOGIT = -30.0  # the logit of a class that no training row has
_MAX_DEPTH = 10  # splits from the root to a leaf: so many steps answer a row
_MIN_ROWS_PER_LEAF = 10  # in a leaf
_COLUMN_FRACTION_PER_SPLIT = 0.5  # share that is looked at: trees that differ say more together
_L2_REGULARIZATION = 1.0


def fit_trees(
    rows: TrainingData, settings: ModelSettings, objective: Objective, outputs: int, seed: int
) -> TreeEnsemble | None:
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
    codes = _category_codes(rows.features)
    table = _training_matrix(rows.features, codes)
    model = kind(
        learning_rate=settings.tree_learning_rate,
        max_iter=settings.trees,
        max_leaf_nodes=settings.tree_leaves,
        max_depth=_MAX_DEPTH,
        min_samples_leaf=_MIN_ROWS_PER_LEAF,
        l2_regularization=_L2_REGULARIZATION,
        max_features=_COLUMN_FRACTION_PER_SPLIT,
        categorical_features=list(range(len(codes))),
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):  # sums in one order on any machine, and no thread waits for another
        model.fit(table, labels)
    start, places = _bias_and_output_map(model, None if regression else found.astype(int), outputs)
    nodes, depth = _extract_nodes(model, codes, table)
    return TreeEnsemble(nodes, depth, start, places)


def _category_codes(features: FeatureMatrices) -> np.ndarray:
    """Int32 [categories, MOST_VALUES + 1]: by id, its place among those that there are, UNKNOWN where it is none.

    The ids of a vocabulary come by how often a value is there: those that are too many are the rare ones.
    """
    ids = features.get(CATEGORICAL_INPUT, np.zeros((0, 0), np.int32))
    codes = np.full((ids.shape[1], MAX_CATEGORY_CODES + 1), UNKNOWN_CATEGORY_CODE, np.int32)
    for column, of_column in enumerate(ids.T):
        found = np.unique(of_column)
        found = found[found < MAX_CATEGORY_CODES]
        codes[column, found] = np.arange(len(found))
    return codes


def _training_matrix(features: FeatureMatrices, codes: np.ndarray) -> np.ndarray:
    """Float32 [rows, categories + numbers]. scikit-learn puts categories first: so the places of columns are ours."""
    columns = []
    if CATEGORICAL_INPUT in features:
        found = np.take_along_axis(codes.T, np.minimum(features[CATEGORICAL_INPUT], MAX_CATEGORY_CODES), axis=0)
        columns.append(np.where(found == UNKNOWN_CATEGORY_CODE, np.nan, found))
    if NUMERIC_INPUT in features:
        columns.append(features[NUMERIC_INPUT])
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _bias_and_output_map(model: Any, classes: np.ndarray | None, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a fitted model, what each output is without any tree, and to which output each tree of a round adds."""
    baseline = np.ravel(model._baseline_prediction)  # [trees of a round]
    if classes is None or outputs == 1:
        return baseline, np.eye(1)
    start, places = np.full(outputs, _ABSENT_CLASS_LOGIT), np.zeros((len(baseline), outputs))
    start[classes] = 0.0
    with_trees = classes[-len(baseline) :]  # of two classes, only the second has trees
    start[with_trees] = baseline
    places[np.arange(len(baseline)), with_trees] = 1.0
    return start, places


def _extract_nodes(model: Any, codes: np.ndarray, table: np.ndarray) -> tuple[TreeNodes, int]:
    """The nodes as scikit-learn keeps them, and how deep the deepest is. They are no part of its promises: a test holds
    our answers against its. `table` is what it was fitted on."""
    trees, sets, roots, rows = [], [np.zeros((1, UNKNOWN_CATEGORY_CODE + 1), bool)], [0], 1
    for predictor in (predictor for round_predictors in model._predictors for predictor in round_predictors):
        order = _sibling_order(predictor.nodes)
        nodes = predictor.nodes[order]
        place = np.argsort(order) + roots[-1]
        left = np.where(nodes["is_leaf"], place[order], place[nodes["left"]])
        asks = np.where(nodes["is_categorical"], nodes["bitset_idx"] + rows, 0)
        asking = np.flatnonzero(nodes["is_categorical"])
        sets.append(np.zeros((len(asking), UNKNOWN_CATEGORY_CODE + 1), bool))
        for node in nodes[asking]:
            sets[-1][node["bitset_idx"]] = _right_categories(predictor.raw_left_cat_bitsets[node["bitset_idx"]], node)
        rows += len(asking)
        trees.append((nodes, left, asks))
        roots.append(roots[-1] + len(nodes))
    every, left, asks = (np.concatenate(parts) for parts in zip(*trees, strict=True))
    leaf = every["is_leaf"].astype(bool)
    found = TreeNodes(
        column=np.where(leaf, 0, _input_columns(every, len(codes), table.shape[1] - len(codes))).astype(np.int32),
        edge=np.where(leaf, np.inf, _split_thresholds(every, table)).astype(np.float32),
        asks=np.where(leaf, 0, asks).astype(np.int32),
        left=left.astype(np.int32),
        value=np.where(leaf, every["value"], 0.0).astype(np.float32),
        roots=np.array(roots[:-1], np.int32),
        right_categories=np.concatenate(sets),
        codes=codes,
    )
    return found, int(every["depth"].max())


def _sibling_order(nodes: np.ndarray) -> np.ndarray:
    """An order of a tree's nodes, the root first, in which a right child comes after the left one."""
    order = [0]
    for at in order:
        if not nodes["is_leaf"][at]:
            order += [nodes["left"][at], nodes["right"][at]]
    return np.array(order)


def _input_columns(nodes: np.ndarray, categories: int, numbers: int) -> np.ndarray:
    """Where `Trees` has what a node looks at: numbers are there twice, to be missing on the left or on the right."""
    number = nodes["feature_idx"].astype(np.int64) - categories
    numeric_columns = np.where(nodes["missing_go_to_left"], number, numbers + number)
    return np.where(number < 0, 2 * numbers + nodes["feature_idx"], numeric_columns)


def _right_categories(left_bits: np.ndarray, node: np.void) -> np.ndarray:
    """By code, whether a value goes right, of the bits of those that go left; UNKNOWN goes where missing ones do."""
    goes_left = np.unpackbits(left_bits.view(np.uint8), bitorder="little").astype(bool)
    goes_left[UNKNOWN_CATEGORY_CODE] = node["missing_go_to_left"]
    return ~goes_left


def _split_thresholds(nodes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Float32 edges of the nodes, each in the middle between the two values of the training rows that it parts.

    scikit-learn's own may be a value itself, and then the last bit of it, which differs from one way of running a graph
    to another, would decide which way a row goes. One that parts all values from missing ones has none above.
    """
    edges = np.full(len(nodes), np.finfo(np.float32).max, np.float32)
    for column in np.unique(nodes["feature_idx"]):
        here = np.flatnonzero(
            (nodes["feature_idx"] == column) & (nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)
        )
        values = np.unique(table[:, column])
        values = values[np.isfinite(values)]
        above = np.searchsorted(values, nodes["num_threshold"][here], side="right")
        here, above = here[above < len(values)], above[above < len(values)]
        below, beyond = values[np.maximum(above - 1, 0)], values[above]
        middle = below + (beyond - below) / np.float32(2)
        edges[here] = np.where(middle < beyond, middle, below)
    return edges
