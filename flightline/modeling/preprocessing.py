"""The entry point of Transform: raw columns in, one number or one id a column out."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from flightline.config.feature_plan import FeaturePlan, vocabulary_name

Column: TypeAlias = tf.Tensor | tf.SparseTensor

# Edges between the first and last two quantile bins sit at a fraction of a bin from the ends, so that the bins
# reach into the tails and yet no outlier stretches them.
_QUANTILES_PER_BIN = 4
_QUANTILE_EPSILON = 1e-3
_NEGLIGIBLE_WEIGHT = 1e-6
_MIN_BIN_WIDTH = float(np.finfo(np.float32).tiny)  # below, arithmetic may flush to zero
_NAN = float("nan")
_MISSING_LABEL = -1  # the trainer refuses it


def preprocessing_fn(inputs: Mapping[str, Column], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transforms a batch of raw columns by the plan in `custom_config["features"]`.

    Args:
        inputs: raw columns, dense ([batch] or [batch, 1]) or sparse ([batch, at most 1]).
        custom_config: its entry `features` is a dumped `FeaturePlan`.

    Returns:
        dense tensors of shape [batch]: float32 numbers (NaN: missing), int64 ids (0: missing), and the label.
    """
    plan = FeaturePlan.model_validate(custom_config["features"])
    amounts = [n.name for n in plan.numbers] + [c.name for c in plan.categories if c.source == "quantiles"]
    values = {name: _to_finite_float(inputs[name]) for name in amounts}
    outputs = _transform_numeric(plan, values)
    for category in plan.categories:
        if category.source == "vocabulary":
            ids = _vocabulary_ids(plan, category.name, inputs[category.name])
        else:
            ids = _shift_ids(tft.bucketize(_drop_nan(values[category.name]), plan.bucket_count))
        outputs[category.transformed] = ids
    if plan.label in inputs:
        outputs[plan.transformed_label] = _transform_label(plan, inputs[plan.label])
    return outputs


def _transform_label(plan: FeaturePlan, column: Column) -> tf.Tensor:
    """[batch] int64 0 and 1, or the class's place; -1 where there is none. A regression's amounts, NaN for none."""
    target = plan.target
    if target.task == "regression":
        return _to_finite_float(column)
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
        same = tf.equal(labels[:, tf.newaxis], tf.constant(target.classes, labels.dtype)[tf.newaxis, :])
        ids = tf.argmax(tf.cast(same, tf.int32), axis=1)
        missing = tf.logical_or(missing, tf.logical_not(tf.reduce_any(same, axis=1)))
    return tf.where(missing, tf.constant(_MISSING_LABEL, tf.int64), ids)


def _transform_numeric(plan: FeaturePlan, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    if not plan.numbers:
        return {}
    if not plan.quantile_bins:
        return {n.transformed: _to_dense(tft.scale_to_z_score(_drop_nan(values[n.name])), _NAN) for n in plan.numbers}
    # One analyzer for all columns: the cost of an analyzer is mostly fixed.
    stacked = tf.stack([values[number.name] for number in plan.numbers], axis=1)
    positions = quantile_positions(stacked, quantile_edges(stacked, plan.quantile_bins))
    return {n.transformed: column for n, column in zip(plan.numbers, tf.unstack(positions, axis=1), strict=True)}


def quantile_edges(values: tf.Tensor, bins: int) -> tf.Tensor:
    """Edges [columns, bins + 1] of about equally filled bins, over all rows of `values` [batch, columns]."""
    steps = bins * _QUANTILES_PER_BIN
    # NaN is left out by the sketch, and a column of nothing else breaks it: one row of zeros that weighs as good as
    # nothing gives such a column edges, and changes those of no other.
    weights = tf.concat([tf.ones_like(values[:, 0]), [_NEGLIGIBLE_WEIGHT]], axis=0)
    values = tf.concat([values, tf.zeros([1, values.shape[1]])], axis=0)
    quantiles = tft.quantiles(values, steps, _QUANTILE_EPSILON, weights=weights, reduce_instance_dims=False)
    inner = range(_QUANTILES_PER_BIN - 1, steps - 1, _QUANTILES_PER_BIN)
    return tf.gather(quantiles, [0, *inner, steps - 2], axis=1)


def quantile_positions(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """Where each value [batch, columns] lies among its column's `edges`: 0 at the first, 1 at the last, NaN kept.

    Linear between two edges; each bin covers the same share of the result.
    """
    lower, upper = edges[:, :-1], edges[:, 1:]
    values = values[:, :, tf.newaxis]
    width = upper - lower
    wide = width >= _MIN_BIN_WIDTH
    inside = (values - lower) / tf.where(wide, width, tf.ones_like(width))
    filled = tf.where(wide, inside, tf.cast(values >= upper, tf.float32))
    position = tf.reduce_mean(tf.clip_by_value(filled, 0.0, 1.0), axis=2)
    return tf.where(tf.math.is_nan(values[:, :, 0]), _NAN, position)


def _to_finite_float(column: Column) -> tf.Tensor:
    """[batch] float32; what is missing, NaN or infinite is NaN."""
    if isinstance(column, tf.SparseTensor):
        column = tf.SparseTensor(column.indices, tf.cast(column.values, tf.float32), column.dense_shape)
    flat = tf.cast(_to_dense(column, _NAN), tf.float32)
    return tf.where(tf.math.is_finite(flat), flat, _NAN)


def _vocabulary_ids(plan: FeaturePlan, name: str, column: Column) -> tf.Tensor:
    ids = tft.compute_and_apply_vocabulary(
        column,
        top_k=plan.vocabulary_size,
        frequency_threshold=plan.min_count,
        num_oov_buckets=plan.oov_buckets,
        vocab_filename=vocabulary_name(name),
    )
    return _shift_ids(ids)


def _shift_ids(column: Column) -> tf.Tensor:
    """[batch] int64: ids moved up by one, 0 where there is none."""
    return _to_dense(column, -1) + 1


def _drop_nan(values: tf.Tensor) -> tf.SparseTensor:
    """The values [batch] that are not NaN: what the analyzers shall see."""
    where = tf.where(tf.logical_not(tf.math.is_nan(values)))
    return tf.SparseTensor(where, tf.gather_nd(values, where), tf.shape(values, out_type=tf.int64))


def _to_dense(column: Column, default: float | str) -> tf.Tensor:
    """[batch]; fails on a row with more than one value."""
    if isinstance(column, tf.SparseTensor):
        filler = tf.constant(default, tf.string) if column.dtype == tf.string else tf.cast(default, column.dtype)
        if column.shape.rank == 1:
            return tf.sparse.to_dense(column, filler)
        shape = tf.stack([column.dense_shape[0], tf.constant(1, tf.int64)])
        column = tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, shape), filler)
    return tf.reshape(column, [-1])
