import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.config.feature_plan import FeaturePlan
from flightline.modeling import transforms
from flightline.serving.target import Target

finite = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(finite, min_size=3, max_size=9), st.lists(finite, min_size=1, max_size=20))
def test_positions_are_linear_between_edges(edges, values):
    edges = np.unique(np.float32(edges))
    if len(edges) < 2 or np.diff(edges).min() < np.finfo(np.float32).tiny:
        return
    expected = np.interp(values, edges, np.linspace(0, 1, len(edges)))
    made = transforms.quantile_positions(tf.constant(values, shape=(len(values), 1)), edges[np.newaxis])
    np.testing.assert_allclose(made[:, 0], expected, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9), st.lists(st.integers(-5, 5), min_size=2, max_size=20))
def test_positions_keep_the_order_of_values_with_repeated_edges(edges, values):
    edges, values = np.float32(sorted(edges)), np.float32(sorted(values))
    made = transforms.quantile_positions(tf.constant(values[:, np.newaxis]), edges[np.newaxis]).numpy()[:, 0]
    assert (np.diff(made) >= -1e-6).all()
    assert ((made >= 0) & (made <= 1)).all()
    inside = (values >= edges[0]) & (values <= edges[-1])
    for low, high in np.array(np.meshgrid(np.flatnonzero(inside), np.flatnonzero(inside))).reshape(2, -1).T:
        assert values[low] >= values[high] or made[low] < made[high]


def test_missing_values_stay_missing_and_columns_do_not_mix():
    values = tf.constant([[1.0, np.nan], [np.nan, 30.0]])
    made = transforms.quantile_positions(values, tf.constant([[0.0, 2.0], [0.0, 40.0]])).numpy()
    np.testing.assert_allclose(made, [[0.5, np.nan], [np.nan, 0.75]])


@pytest.mark.parametrize("dtype", [tf.int64, tf.float32])
def test_numbers_may_be_dense_or_sparse(dtype):
    dense = tf.constant([[3], [4]], dtype)
    sparse = tf.SparseTensor([[0, 0], [2, 0]], tf.constant([3, 4], dtype), [3, 1])
    np.testing.assert_array_equal(transforms.to_finite_float(dense), [3, 4])
    np.testing.assert_array_equal(transforms.to_finite_float(sparse), [3, np.nan, 4])


def test_infinite_and_nan_values_are_missing():
    np.testing.assert_array_equal(
        transforms.to_finite_float(tf.constant([np.inf, 1, -np.inf, np.nan])), [np.nan, 1] + [np.nan] * 2
    )


def test_a_row_with_several_values_fails():
    sparse = tf.SparseTensor([[0, 0], [0, 1]], tf.constant([3.0, 4.0]), [1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError):
        transforms.to_finite_float(sparse)


def labelled(kind, target):
    """A plan with only a label, and the dtype of its column."""
    nothing = {"quantile_bins": 0, "bucket_count": 2, "vocabulary_size": 1, "min_count": 1, "oov_buckets": 1}
    plan = FeaturePlan(label="y", label_type=kind, target=target, numbers=(), categories=(), **nothing)
    return plan, {"BYTES": tf.string, "INT": tf.int64, "FLOAT": tf.float32}[kind]


@pytest.mark.parametrize(
    ("kind", "positive", "values", "none"),
    [
        ("BYTES", "yes", ["yes", "no", "yes"], ""),
        ("INT", 2, [2, 1, 2], None),
        ("FLOAT", 0.5, [0.5, 1.5, 0.5], float("nan")),
        ("INT", None, [1, 0, 1], None),
    ],
)
def test_binary_labels_become_1_and_0_and_missing_ones_become_minus_1(kind, positive, values, none):
    plan, dtype = labelled(kind, Target(positive=positive))
    dense = transforms.encode_label(tf.constant([[value] for value in values], dtype), plan)
    np.testing.assert_array_equal(dense, [1, 0, 1])
    sparse = tf.SparseTensor([[0, 0], [2, 0]], tf.constant(values[:2], dtype), [3, 1])
    np.testing.assert_array_equal(transforms.encode_label(sparse, plan), [1, -1, 0])
    if none is not None:
        np.testing.assert_array_equal(transforms.encode_label(tf.constant([[none]], dtype), plan), [-1])


@pytest.mark.parametrize(
    ("kind", "classes", "values"),
    [
        ("BYTES", ("a", "b", "é"), ["é", "a", "b", "other"]),
        ("INT", (3, 1, 7), [7, 3, 1, 2]),
        ("FLOAT", (0.5, 1.5, -1.0), [-1.0, 0.5, 1.5, float("nan")]),
    ],
)
def test_classes_become_their_indices_and_unknown_ones_become_minus_1(kind, classes, values):
    plan, dtype = labelled(kind, Target(task="multiclass", classes=classes))
    np.testing.assert_array_equal(transforms.encode_label(tf.constant(values, dtype), plan), [2, 0, 1, -1])
    missing = tf.SparseTensor([[1, 0]], tf.constant(values[:1], dtype), [2, 1])
    np.testing.assert_array_equal(transforms.encode_label(missing, plan), [-1, 2])


@pytest.mark.parametrize("kind", ["INT", "FLOAT"])
def test_regression_labels_keep_their_values(kind):
    plan, dtype = labelled(kind, Target(task="regression"))
    some = tf.SparseTensor([[0, 0], [2, 0]], tf.constant([-4, 9], dtype), [3, 1])
    answer = transforms.encode_label(some, plan)
    assert answer.dtype == tf.float32
    np.testing.assert_array_equal(answer, [-4, float("nan"), 9])
