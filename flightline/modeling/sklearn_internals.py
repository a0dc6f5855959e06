"""The private attributes of scikit-learn that Flightline reads: the fitted trees of HistGradientBoosting.

scikit-learn has no public export of these trees. Their form is checked before they are read, and `fit_trees` compares
the trees it made of them with scikit-learn's own predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from flightline.errors import PrivateApiChanged
from flightline.utils.private_api import PrivateApi, PrivateName

CHECKED_VERSIONS = ("1.5.1", "1.5.2")

_BOOSTING = "sklearn.ensemble._hist_gradient_boosting"
API = PrivateApi(
    "scikit-learn",
    CHECKED_VERSIONS,
    [
        PrivateName(
            f"{_BOOSTING}.gradient_boosting:BaseHistGradientBoosting",
            instance_attributes=("_predictors", "_baseline_prediction"),
        ),
        PrivateName(f"{_BOOSTING}.predictor:TreePredictor", instance_attributes=("nodes", "raw_left_cat_bitsets")),
    ],
)

# Field of a node -> kind of its dtype: float, signed or unsigned integer.
_NODE_FIELDS = {
    "value": "f",
    "feature_idx": "i",
    "num_threshold": "f",
    "missing_go_to_left": "u",
    "left": "u",
    "right": "u",
    "depth": "u",
    "is_leaf": "u",
    "is_categorical": "u",
    "bitset_idx": "u",
}
_BITSET_WORDS = 8  # uint32 words: one bit for each of 256 category codes
_ADVICE = "install scikit-learn as requirements.lock has it, or train without trees: --set model.trees=0"


@dataclass(frozen=True)
class SklearnTree:
    """One fitted tree.

    Attributes:
        nodes: structured array [nodes] with the fields of `_NODE_FIELDS`, among others.
        left_categories: uint32 [category rules, 8], one bit for each category code: whether it goes left.
    """

    nodes: np.ndarray
    left_categories: np.ndarray


def check() -> None:
    """Check that the installed scikit-learn has the names that are read here.

    Raises:
        PrivateApiChanged: naming what it lacks.
    """
    API.require()


def read_baseline(model: Any) -> np.ndarray:
    """Read what a fitted model predicts before its first tree: float [trees per round]."""
    return np.ravel(model._baseline_prediction)


def read_trees(model: Any) -> list[SklearnTree]:
    """Read the trees of a fitted model, round by round.

    Raises:
        PrivateApiChanged: the nodes have another form than in the versions that were checked.
    """
    trees = [
        SklearnTree(predictor.nodes, predictor.raw_left_cat_bitsets)
        for predictors in model._predictors
        for predictor in predictors
    ]
    for tree in trees:
        if problem := _form_problem(tree):
            raise changed(problem)
    return trees


def changed(problem: str) -> PrivateApiChanged:
    """The error that says how the installed scikit-learn differs from the versions that were checked."""
    import sklearn

    return PrivateApiChanged(
        f"scikit-learn {sklearn.__version__}: {problem}; Flightline was checked with {' and '.join(CHECKED_VERSIONS)}",
        _ADVICE,
    )


def _form_problem(tree: SklearnTree) -> str:
    fields = tree.nodes.dtype.fields or {}
    for name, kind in _NODE_FIELDS.items():
        if name not in fields:
            return f"the nodes of its trees have no field {name}"
        if fields[name][0].kind != kind:
            return f"the field {name} of its trees' nodes is of type {fields[name][0]}"
    bits = tree.left_categories
    if bits.dtype != np.uint32 or bits.ndim != 2 or bits.shape[1] != _BITSET_WORDS:
        return (
            f"the category sets of its trees are {bits.dtype} {list(bits.shape)}, not uint32 [rules, {_BITSET_WORDS}]"
        )
    return ""
