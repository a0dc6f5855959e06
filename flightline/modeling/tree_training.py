"""Fits boosted trees with scikit-learn's HistGradientBoosting, and turns them into a `TreeEnsemble`."""

from __future__ import annotations

from typing import Any

import numpy as np

from flightline.config.modeling import ModelSettings
from flightline.modeling import sklearn_internals
from flightline.modeling.model_io import CATEGORICAL_INPUT, NUMERIC_INPUT
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import FeatureMatrices, TrainingData
from flightline.modeling.tree_ensemble import MAX_CATEGORY_CODES, UNKNOWN_CATEGORY_CODE, TreeEnsemble, TreeNodes

_ABSENT_CLASS_LOGIT = -30.0  # the logit of a class that no training row has
_MAX_DEPTH = 10  # splits from the root to a leaf: a prediction takes as many steps
_MIN_ROWS_PER_LEAF = 10
_COLUMN_FRACTION_PER_SPLIT = 0.5  # each split looks at other columns: trees that differ do better together
_L2_REGULARIZATION = 1.0
_VERIFIED_ROWS = 256  # training rows on which the exported trees are compared with scikit-learn's predictions


def fit_trees(
    rows: TrainingData, settings: ModelSettings, objective: Objective, outputs: int, seed: int
) -> TreeEnsemble | None:
    """Fit `settings.trees` rounds of boosting on all rows, without early stopping.

    Returns:
        the trees; None where the settings ask for none, or all labels are the same.

    Raises:
        PrivateApiChanged: the trees of the installed scikit-learn cannot be read.
    """
    labels = objective.scale_labels(rows.labels)
    label_values = np.unique(labels)
    if not settings.trees or len(label_values) < 2:
        return None
    # Imported here: it takes a second, which only a model with trees pays.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    sklearn_internals.check()
    regression = objective.task == "regression"
    estimator = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    codes = _category_codes(rows.features)
    matrix = _training_matrix(rows.features, codes)
    model = estimator(
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
    with threadpool_limits(1):  # the same order of additions on every machine, and no thread waits for another
        model.fit(matrix, labels)
    classes = None if regression else label_values.astype(int)
    initial_bias, output_map = _bias_and_output_map(model, classes, outputs)
    nodes, depth = _extract_nodes(model, codes, matrix)
    trees = TreeEnsemble(nodes, depth, initial_bias, output_map)
    _verify(trees, model, rows.features, matrix, classes, outputs)
    return trees


def _category_codes(features: FeatureMatrices) -> np.ndarray:
    """Number the ids of each category that occur in training: int32 [categories, MAX_CATEGORY_CODES + 1] by id.

    Ids that do not occur, and those above, get UNKNOWN_CATEGORY_CODE. A vocabulary's ids are sorted by frequency: ids
    above the limit are rare values.
    """
    ids = features.get(CATEGORICAL_INPUT, np.zeros((0, 0), np.int32))
    codes = np.full((ids.shape[1], MAX_CATEGORY_CODES + 1), UNKNOWN_CATEGORY_CODE, np.int32)
    for category, category_ids in enumerate(ids.T):
        present = np.unique(category_ids)
        present = present[present < MAX_CATEGORY_CODES]
        codes[category, present] = np.arange(len(present))
    return codes


def _training_matrix(features: FeatureMatrices, codes: np.ndarray) -> np.ndarray:
    """Stack what scikit-learn is fitted on: float32 [rows, categories + numbers].

    scikit-learn itself moves categories to the front; with them there, its column numbers are those of this matrix.
    """
    columns = []
    if CATEGORICAL_INPUT in features:
        row_codes = np.take_along_axis(codes.T, np.minimum(features[CATEGORICAL_INPUT], MAX_CATEGORY_CODES), axis=0)
        columns.append(np.where(row_codes == UNKNOWN_CATEGORY_CODE, np.nan, row_codes))
    if NUMERIC_INPUT in features:
        columns.append(features[NUMERIC_INPUT])
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _bias_and_output_map(model: Any, classes: np.ndarray | None, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the bias of each output [outputs], and the output of each tree of a round [trees per round, outputs]."""
    baseline = sklearn_internals.read_baseline(model)
    if classes is None or outputs == 1:
        return baseline, np.eye(1)
    initial_bias, output_map = np.full(outputs, _ABSENT_CLASS_LOGIT), np.zeros((len(baseline), outputs))
    initial_bias[classes] = 0.0
    classes_with_trees = classes[-len(baseline) :]  # with two classes, only the second has trees
    initial_bias[classes_with_trees] = baseline
    output_map[np.arange(len(baseline)), classes_with_trees] = 1.0
    return initial_bias, output_map


def _extract_nodes(model: Any, codes: np.ndarray, matrix: np.ndarray) -> tuple[TreeNodes, int]:
    """Turn scikit-learn's trees into nodes, and find the depth of the deepest; `matrix` is what they were fitted on."""
    parts, category_sets, roots, rules = [], [np.zeros((1, UNKNOWN_CATEGORY_CODE + 1), bool)], [0], 1
    for tree in sklearn_internals.read_trees(model):
        order = _sibling_order(tree.nodes)
        nodes = tree.nodes[order]
        new_index = np.argsort(order) + roots[-1]
        left_child = np.where(nodes["is_leaf"], new_index[order], new_index[nodes["left"]])
        category_rule = np.where(nodes["is_categorical"], nodes["bitset_idx"] + rules, 0)
        categorical = np.flatnonzero(nodes["is_categorical"])
        category_sets.append(np.zeros((len(categorical), UNKNOWN_CATEGORY_CODE + 1), bool))
        for node in nodes[categorical]:
            category_sets[-1][node["bitset_idx"]] = _right_categories(tree.left_categories[node["bitset_idx"]], node)
        rules += len(categorical)
        parts.append((nodes, left_child, category_rule))
        roots.append(roots[-1] + len(nodes))
    nodes, left_child, category_rule = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    leaf = nodes["is_leaf"].astype(bool)
    extracted = TreeNodes(
        input_column=np.where(leaf, 0, _input_columns(nodes, len(codes), matrix.shape[1] - len(codes))).astype(
            np.int32
        ),
        threshold=np.where(leaf, np.inf, _split_thresholds(nodes, matrix)).astype(np.float32),
        category_rule=np.where(leaf, 0, category_rule).astype(np.int32),
        left_child=left_child.astype(np.int32),
        leaf_value=np.where(leaf, nodes["value"], 0.0).astype(np.float32),
        roots=np.array(roots[:-1], np.int32),
        right_categories=np.concatenate(category_sets),
        codes=codes,
    )
    return extracted, int(nodes["depth"].max())


def _sibling_order(nodes: np.ndarray) -> np.ndarray:
    """Order the nodes of a tree, the root first, so that each right child directly follows its left sibling."""
    order = [0]
    for node in order:
        if not nodes["is_leaf"][node]:
            order += [nodes["left"][node], nodes["right"][node]]
    return np.array(order)


def _input_columns(nodes: np.ndarray, categories: int, numbers: int) -> np.ndarray:
    """Find the column of `TreeEnsemble`'s input matrix that each node compares.

    A number has two columns there: one that sends missing values to the left, and one that sends them to the right.
    """
    number = nodes["feature_idx"].astype(np.int64) - categories
    numeric_columns = np.where(nodes["missing_go_to_left"], number, numbers + number)
    return np.where(number < 0, 2 * numbers + nodes["feature_idx"], numeric_columns)


def _right_categories(left_bits: np.ndarray, node: np.void) -> np.ndarray:
    """Turn the bits of the categories that go left into [codes] bool: whether a category code goes right.

    UNKNOWN_CATEGORY_CODE goes where missing values go.
    """
    goes_left = np.unpackbits(left_bits.view(np.uint8), bitorder="little").astype(bool)
    goes_left[UNKNOWN_CATEGORY_CODE] = node["missing_go_to_left"]
    return ~goes_left


def _split_thresholds(nodes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Compute the float32 threshold of each node: the middle between the two training values that it separates.

    scikit-learn's own threshold may be one of the values. The last bit of a value can differ between ways of running a
    graph, and would then decide which way a row goes. A node that separates all values from missing ones has no upper
    value: its threshold is the largest float32.
    """
    thresholds = np.full(len(nodes), np.finfo(np.float32).max, np.float32)
    for column in np.unique(nodes["feature_idx"]):
        here = np.flatnonzero(
            (nodes["feature_idx"] == column) & (nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)
        )
        values = np.unique(matrix[:, column])
        values = values[np.isfinite(values)]
        above = np.searchsorted(values, nodes["num_threshold"][here], side="right")
        here, above = here[above < len(values)], above[above < len(values)]
        lower, upper = values[np.maximum(above - 1, 0)], values[above]
        middle = lower + (upper - lower) / np.float32(2)
        thresholds[here] = np.where(middle < upper, middle, lower)
    return thresholds


def _verify(
    trees: TreeEnsemble,
    model: Any,
    features: FeatureMatrices,
    matrix: np.ndarray,
    classes: np.ndarray | None,
    outputs: int,
) -> None:
    """Compare the trees with scikit-learn's own predictions for some training rows.

    Raises:
        PrivateApiChanged: they differ: scikit-learn's nodes mean something else than in the versions checked.
    """
    predictions = trees({name: values[:_VERIFIED_ROWS] for name, values in features.items()}).numpy()
    expected = (model.predict if classes is None else model.decision_function)(matrix[:_VERIFIED_ROWS])
    expected = expected.reshape(len(expected), -1)
    if classes is not None and outputs > 1:
        predictions = predictions[:, classes[-expected.shape[1] :]]
    if not np.allclose(predictions, expected, rtol=1e-3, atol=1e-3):
        difference = float(np.abs(predictions - expected).max())
        raise sklearn_internals.changed(f"trees read from it predict other values than it does (by {difference:.3g})")
