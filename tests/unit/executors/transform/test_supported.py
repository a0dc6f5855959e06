"""Supported outputs of a preprocessing_fn are accepted, others refused."""

import pytest
import tensorflow as tf

from flightline.executors.transform.supported import UnsupportedTransformError, check_outputs


def outputs_of(*specs):
    graph = tf.Graph()
    with graph.as_default():
        return {f"x{i}": tf.compat.v1.placeholder(dtype, shape) for i, (dtype, shape) in enumerate(specs)}, graph


def test_dense_columns_and_vectors_are_accepted():
    check_outputs(*outputs_of((tf.float32, [None]), (tf.int64, [None, 1]), (tf.string, [None, 2, 3])))


@pytest.mark.parametrize(
    ("dtype", "shape", "reason"),
    [
        (tf.float64, [None], "float64"),
        (tf.int32, [None], "int32"),
        (tf.float32, None, "no batch dimension"),
        (tf.float32, [], "no batch dimension"),
        (tf.float32, [None, None], "unknown or zero"),
        (tf.float32, [None, 0], "unknown or zero"),
    ],
)
def test_other_types_and_shapes_are_refused(dtype, shape, reason):
    with pytest.raises(UnsupportedTransformError, match=reason):
        check_outputs(*outputs_of((dtype, shape)))


@pytest.mark.parametrize("outputs", [{}, [], None])
def test_a_missing_or_empty_output_dictionary_is_refused(outputs):
    with pytest.raises(UnsupportedTransformError, match="no dictionary"):
        check_outputs(outputs, tf.Graph())


def test_sparse_and_ragged_outputs_are_refused():
    with tf.Graph().as_default() as graph:
        sparse = tf.sparse.from_dense(tf.constant([[1]]))
        with pytest.raises(UnsupportedTransformError, match="'s' is a SparseTensor"):
            check_outputs({"s": sparse}, graph)
        with pytest.raises(UnsupportedTransformError, match="'r' is a RaggedTensor"):
            check_outputs({"r": tf.RaggedTensor.from_row_lengths(tf.constant([1]), [1])}, graph)


def test_trainable_variables_are_refused():
    with tf.Graph().as_default() as graph:
        variable = tf.compat.v1.Variable(1.0, trainable=True)
        with pytest.raises(UnsupportedTransformError, match="trainable"):
            check_outputs({"v": variable + tf.zeros([3])}, graph)
