"""What a preprocessing_fn is made of: transformations of raw columns, built on TensorFlow Transform."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from flightline.config.feature_plan import FeaturePlan, vocabulary_name

# Dense ([batch] or [batch, 1]) or sparse ([batch, at most 1]).
Column: TypeAlias = tf.Tensor | tf.SparseTensor

# The first and last edges lie a fraction of a bin from the smallest and largest value: the bins reach into the tails,
# and no outlier stretches them.
_QUANTILES_PER_BIN = 4
_QUANTILE_EPSILON = 1e-3
_NEGLIGIBLE_WEIGHT = 1e-6
_MIN_BIN_WIDTH = float(np.finfo(np.float32).tiny)  # below, arithmetic may flush to zero
_NAN = float("nan")
_MISSING_LABEL = -1  # the trainer refuses it


def to_finite_float(column: Column) -> tf.Tensor:
    """Turn a column of numbers into float32 [batch]: NaN where a value is missing, NaN or infinite."""
    if isinstance(column, tf.SparseTensor):
        column = tf.SparseTensor(column.indices, tf.cast(column.values, tf.float32), column.dense_shape)
    flat = tf.cast(_to_dense(column, _NAN), tf.float32)
    return tf.where(tf.math.is_finite(flat), flat, _NAN)


def transform_numbers(values: Mapping[str, tf.Tensor], plan: FeaturePlan) -> dict[str, tf.Tensor]:
    """Turn the numbers of the plan into quantile positions, or into z-scores where `quantile_bins` is 0.

    Args:
        values: float32 [batch] by raw name, NaN where one is missing (`to_finite_float`).
        plan: which columns are numbers.

    Returns:
        float32 [batch] by transformed name, NaN where a value is missing.
    """
    if not plan.numbers:
        return {}
    if not plan.quantile_bins:
        return {n.transformed: _to_dense(tft.scale_to_z_score(_drop_nan(values[n.name])), _NAN) for n in plan.numbers}
    # One analyzer for all columns: the cost of an analyzer is mostly fixed.
    stacked = tf.stack([values[number.name] for number in plan.numbers], axis=1)
    positions = quantile_positions(stacked, quantile_edges(stacked, plan.quantile_bins))
    return {n.transformed: column for n, column in zip(plan.numbers, tf.unstack(positions, axis=1), strict=True)}


def quantile_edges(values: tf.Tensor, bins: int) -> tf.Tensor:
    """Compute edges [columns, bins + 1] of about equally filled bins, over all rows of `values` [batch, columns]."""
    steps = bins * _QUANTILES_PER_BIN
    # The quantile sketch ignores NaN, and fails on a column that has only NaN. One row of zeros with a negligible
    # weight gives such a column edges, and does not change those of the others.
    weights = tf.concat([tf.ones_like(values[:, 0]), [_NEGLIGIBLE_WEIGHT]], axis=0)
    values = tf.concat([values, tf.zeros([1, values.shape[1]])], axis=0)
    quantiles = tft.quantiles(values, steps, _QUANTILE_EPSILON, weights=weights, reduce_instance_dims=False)
    inner = range(_QUANTILES_PER_BIN - 1, steps - 1, _QUANTILES_PER_BIN)
    return tf.gather(quantiles, [0, *inner, steps - 2], axis=1)


def quantile_positions(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """Map each value [batch, columns] to its position among its column's `edges`: 0 at the first, 1 at the last.

    Linear between two edges; each bin covers an equal part of [0, 1]. NaN stays NaN.
    """
    lower, upper = edges[:, :-1], edges[:, 1:]
    values = values[:, :, tf.newaxis]
    width = upper - lower
    wide = width >= _MIN_BIN_WIDTH
    inside = (values - lower) / tf.where(wide, width, tf.ones_like(width))
    filled = tf.where(wide, inside, tf.cast(values >= upper, tf.float32))
    position = tf.reduce_mean(tf.clip_by_value(filled, 0.0, 1.0), axis=2)
    return tf.where(tf.math.is_nan(values[:, :, 0]), _NAN, position)


def vocabulary_ids(column: Column, plan: FeaturePlan, name: str) -> tf.Tensor:
    """Turn the values of the raw column `name` into ids, int64 [batch]: 0 where missing, the last out of vocabulary."""
    ids = tft.compute_and_apply_vocabulary(
        column,
        top_k=plan.vocabulary_size,
        frequency_threshold=plan.min_count,
        num_oov_buckets=plan.oov_buckets,
        vocab_filename=vocabulary_name(name),
    )
    return _shift_ids(ids)


def quantile_bucket_ids(values: tf.Tensor, buckets: int) -> tf.Tensor:
    """Turn numbers into the ids of their quantile buckets: float32 [batch] -> int64 [batch], 0 where missing."""
    return _shift_ids(tft.bucketize(_drop_nan(values), buckets))


def encode_label(column: Column, plan: FeaturePlan) -> tf.Tensor:
    """Turn the label column into what Trainer and Evaluator read, [batch].

    Returns:
        binary: int64 0 or 1; multiclass: int64 index of the class; -1 where the label is missing or unknown.
        regression: float32, NaN where it is missing.
    """
    target = plan.target
    if target.task == "regression":
        return to_finite_float(column)
    if target.task == "binary" and target.positive is None:
        return _to_dense(column, _MISSING_LABEL)
    if plan.label_type == "BYTES":
        labels = _to_dense(column, "")
        missing = tf.equal(labels, "")
    else:
        labels = _to_dense(column, _NAN) if plan.label_type == "FLOAT" else _to_dense(column, column.dtype.min)
        missing = tf.math.is_nan(labels) if plan.label_type == "FLOAT" else tf.equal(labels, column.dtype.min)
    if target.task == "binary":
        ids = tf.cast(tf.equal(labels, tf.constant(target.positive, labels.dtype)), tf.int64)
    else:
        matches = tf.equal(labels[:, tf.newaxis], tf.constant(target.classes, labels.dtype)[tf.newaxis, :])
        ids = tf.argmax(tf.cast(matches, tf.int32), axis=1)
        missing = tf.logical_or(missing, tf.logical_not(tf.reduce_any(matches, axis=1)))
    return tf.where(missing, tf.constant(_MISSING_LABEL, tf.int64), ids)


def read_category_sizes(plan: FeaturePlan, transform: tft.TFTransformOutput) -> tuple[int, ...]:
    """Read the number of ids of each category of the plan from the vocabularies that Transform wrote."""
    names = [category.name for category in plan.categories if category.source == "vocabulary"]
    return plan.category_sizes({name: transform.vocabulary_size_by_name(vocabulary_name(name)) for name in names})


def _shift_ids(column: Column) -> tf.Tensor:
    """Add one to ids, so that 0 means missing: int64 [batch]."""
    return _to_dense(column, -1) + 1


def _drop_nan(values: tf.Tensor) -> tf.SparseTensor:
    """Keep the values [batch] that are not NaN: those that an analyzer should see."""
    indices = tf.where(tf.logical_not(tf.math.is_nan(values)))
    return tf.SparseTensor(indices, tf.gather_nd(values, indices), tf.shape(values, out_type=tf.int64))


def _to_dense(column: Column, default: float | str) -> tf.Tensor:
    """Turn a column into a dense tensor [batch]. Fails on a row with more than one value."""
    if isinstance(column, tf.SparseTensor):
        filler = tf.constant(default, tf.string) if column.dtype == tf.string else tf.cast(default, column.dtype)
        if column.shape.rank == 1:
            return tf.sparse.to_dense(column, filler)
        shape = tf.stack([column.dense_shape[0], tf.constant(1, tf.int64)])
        column = tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, shape), filler)
    return tf.reshape(column, [-1])
