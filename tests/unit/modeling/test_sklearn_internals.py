"""The private attributes of scikit-learn: that the installed version has them, and what happens when it does not."""

import dataclasses
from importlib import metadata

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from flightline.config.modeling import ModelSettings
from flightline.errors import PrivateApiChanged
from flightline.modeling import sklearn_internals
from flightline.modeling.model_io import NUMERIC_INPUT
from flightline.modeling.objective import make_objective
from flightline.modeling.training_data import TrainingData
from flightline.modeling.tree_training import fit_trees
from flightline.serving.target import BINARY_TARGET


@pytest.fixture(scope="module")
def fitted():
    random = np.random.default_rng(0)
    table = np.column_stack([random.integers(0, 6, 500), random.random(500)])
    labels = (table[:, 0] % 2 == 0) & (table[:, 1] > 0.3)
    return HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(table, labels)


def test_the_installed_version_was_checked():
    assert metadata.version("scikit-learn") in sklearn_internals.CHECKED_VERSIONS
    sklearn_internals.check()


def test_trees_of_a_fitted_model_can_be_read(fitted):
    trees = sklearn_internals.read_trees(fitted)
    assert len(trees) == 3
    assert any(tree.nodes["is_categorical"].any() and len(tree.left_categories) for tree in trees)
    assert sklearn_internals.read_baseline(fitted).shape == (1,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nodes: nodes[[name for name in nodes.dtype.names if name != "left"]], "have no field left"),
        (
            lambda nodes: nodes.astype([(n, "f8" if n == "bitset_idx" else nodes.dtype[n]) for n in nodes.dtype.names]),
            "the field bitset_idx",
        ),
    ],
)
def test_nodes_of_another_form_are_refused_by_version_and_field(fitted, monkeypatch, change, message):
    predictor = fitted._predictors[0][0]
    monkeypatch.setattr(predictor, "nodes", change(predictor.nodes))
    with pytest.raises(
        PrivateApiChanged, match=rf"scikit-learn {metadata.version('scikit-learn')}: .*{message}"
    ) as error:
        sklearn_internals.read_trees(fitted)
    assert "model.trees=0" in str(error.value)


def test_trees_that_predict_other_values_than_scikit_learn_are_refused(monkeypatch):
    numbers = np.random.default_rng(0).random((300, 1), "f4")
    rows = TrainingData({NUMERIC_INPUT: numbers}, (numbers[:, 0] > 0.5).astype("f4"))
    read = sklearn_internals.read_trees

    def read_swapped(model):
        return [
            dataclasses.replace(tree, nodes=_with_field(tree.nodes, "value", -tree.nodes["value"]))
            for tree in read(model)
        ]

    monkeypatch.setattr(sklearn_internals, "read_trees", read_swapped)
    with pytest.raises(PrivateApiChanged, match="predict other values"):
        fit_trees(rows, ModelSettings(trees=3), make_objective(BINARY_TARGET, rows.labels), 1, seed=0)


def _with_field(nodes, name, values):
    changed = nodes.copy()
    changed[name] = values
    return changed
