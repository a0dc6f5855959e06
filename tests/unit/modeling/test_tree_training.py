import numpy as np
import pytest
import tensorflow as tf
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from flightline.config.modeling import ModelSettings
from flightline.modeling.model_io import CATEGORICAL_INPUT, NUMERIC_INPUT
from flightline.modeling.objective import make_objective
from flightline.modeling.training_data import TrainingData
from flightline.modeling.tree_ensemble import MAX_CATEGORY_CODES
from flightline.modeling.tree_training import fit_trees
from flightline.serving.target import Target

SETTINGS = ModelSettings(trees=12)
UNSEEN = 77  # the id of a category that no training row has
LABELS = {
    "binary": [0.0, 1.0],
    "multiclass": [0, 1, 2, 3],
    "two classes of four": [1, 3],
    "three classes of four": [0, 2, 3],
    "regression": None,
}


def rows_of(task, rows=600, seed=0):
    random = np.random.default_rng(seed)
    numbers = random.uniform(size=(rows, 4)).astype(np.float32).round(2)
    numbers[random.uniform(size=numbers.shape) < 0.1] = np.nan
    categories = random.integers(0, 40, size=(rows, 2)).astype(np.int32)
    if seed:
        categories[::7] = UNSEEN
    signal = np.nan_to_num(numbers[:, 0]) * 3 + (categories[:, 1] % 3 == 2) + random.normal(size=rows) / 5
    if LABELS[task] is None:
        labels = (signal * 1e6).astype(np.float32)
    else:
        cuts = np.quantile(signal, np.linspace(0, 1, len(LABELS[task]) + 1)[1:-1])
        labels = np.array(LABELS[task])[np.digitize(signal, cuts)]
    return TrainingData({NUMERIC_INPUT: numbers, CATEGORICAL_INPUT: categories}, labels)


def target_of(task):
    if task in ("binary", "regression"):
        return Target(task=task)
    return Target(task="multiclass", classes=("a", "b", "c", "d"))


@pytest.mark.parametrize("task", LABELS)
def test_tree_predictions_equal_those_of_scikit_learn(task, monkeypatch):
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    fitted, fit = [], kind.fit
    monkeypatch.setattr(kind, "fit", lambda self, *given: fitted.append(self) or fit(self, *given))
    rows, target = rows_of(task), target_of(task)
    objective = make_objective(target, rows.labels)
    trees = fit_trees(rows, SETTINGS, objective, target.outputs, seed=3)

    other = rows_of(task, seed=1)
    places = np.random.default_rng(2).integers(0, len(rows), other.features[NUMERIC_INPUT].shape)
    other.features[NUMERIC_INPUT][:] = np.take_along_axis(
        rows.features[NUMERIC_INPUT], places, axis=0
    )  # thresholds lie between these
    predicted = np.asarray(objective.predictions(trees(other.features)))
    known = np.concatenate(
        [other.features[CATEGORICAL_INPUT].astype(np.float32), other.features[NUMERIC_INPUT]], axis=1
    )
    table = np.where(known == UNSEEN, np.nan, known)  # scikit-learn treats unseen values as missing
    assert np.isnan(table[:, :2]).any()
    if task == "regression":
        expected = fitted[0].predict(table)[:, None] * objective.std + objective.mean
    elif task == "binary":
        expected = fitted[0].predict_proba(table)[:, 1:]
    else:
        expected = np.zeros((len(table), 4))
        expected[:, np.array(LABELS[task])] = fitted[0].predict_proba(table)
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-6)
    assert trees.nodes["category_rule"].numpy().any()
    assert trees.count == 12 * (len(LABELS[task]) if task.endswith("class") or task.startswith("three") else 1)


def test_a_threshold_separates_neighbouring_float32_values(monkeypatch):
    """Two values that differ in their last bit lie on both sides of a threshold that float32 cannot represent."""
    lower = np.float32(1 / 3)
    values = np.where(np.arange(200) % 2, lower, np.nextafter(lower, np.float32(1)))
    rows = TrainingData({NUMERIC_INPUT: values[:, None].astype(np.float32)}, (np.arange(200) % 2).astype(np.float32))
    target = Target(task="binary")
    trees = fit_trees(rows, SETTINGS, make_objective(target, rows.labels), 1, seed=0)
    predicted = tf.sigmoid(trees(rows.features)).numpy()[:, 0]
    assert predicted[1::2].min() > predicted[::2].max()


def test_there_are_no_trees_when_all_labels_are_the_same():
    rows = rows_of("binary")
    rows = TrainingData(rows.features, np.zeros(len(rows), np.float32))
    assert fit_trees(rows, SETTINGS, make_objective(Target(task="binary"), rows.labels), 1, seed=0) is None


def test_the_same_rows_and_seed_give_the_same_trees():
    rows = rows_of("binary")
    objective = make_objective(Target(task="binary"), rows.labels)
    one, other = (fit_trees(rows, SETTINGS, objective, 1, seed=5) for _ in range(2))
    for name, nodes in one.nodes.items():
        np.testing.assert_array_equal(nodes.numpy(), other.nodes[name].numpy(), err_msg=name)


def test_rare_values_beyond_the_code_limit_are_treated_as_missing():
    random = np.random.default_rng(0)
    ids = random.integers(0, 1000, size=(30_000, 1)).astype(np.int32)
    rows = TrainingData({CATEGORICAL_INPUT: ids}, (ids[:, 0] % 2).astype(np.float32))
    trees = fit_trees(rows, SETTINGS, make_objective(Target(task="binary"), rows.labels), 1, seed=0)
    predicted = tf.sigmoid(trees({CATEGORICAL_INPUT: np.arange(1000, dtype=np.int32)[:, None]})).numpy()[:, 0]
    assert predicted[1:MAX_CATEGORY_CODES:2].mean() > 0.7 > 0.3 > predicted[0:MAX_CATEGORY_CODES:2].mean()
    assert len(set(predicted[MAX_CATEGORY_CODES:])) == 1


def test_no_threshold_is_so_close_to_a_value_that_its_last_bit_decides():
    """With more values than bins, scikit-learn's thresholds are values themselves."""
    random = np.random.default_rng(0)
    values = random.permutation(np.linspace(0, 1, 1001, dtype=np.float32)[:, None])
    rows = TrainingData({NUMERIC_INPUT: values}, (np.sin(values[:, 0] * 40) > 0).astype(np.float32))
    trees = fit_trees(rows, SETTINGS, make_objective(Target(task="binary"), rows.labels), 1, seed=0)
    predicted = trees({NUMERIC_INPUT: values}).numpy()
    assert len(np.unique(predicted)) > 10
    for side in (-np.inf, np.inf):
        np.testing.assert_array_equal(trees({NUMERIC_INPUT: np.nextafter(values, np.float32(side))}).numpy(), predicted)
