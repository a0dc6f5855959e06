"""What Transform calls: raw columns in, features and the label out. Change or add features here."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from flightline.config.feature_plan import FeaturePlan
from flightline.modeling.transforms import (
    Column,
    encode_label,
    quantile_bucket_ids,
    to_finite_float,
    transform_numbers,
    vocabulary_ids,
)


def preprocessing_fn(inputs: Mapping[str, Column], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transform a batch of raw columns by the plan in `custom_config["features"]`.

    Args:
        inputs: raw columns, dense ([batch] or [batch, 1]) or sparse ([batch, at most 1]).
        custom_config: its entry `features` is a dumped `FeaturePlan`.

    Returns:
        dense tensors [batch]: float32 numbers (NaN where missing), int64 ids (0 where missing), and the label.
    """
    plan = FeaturePlan.model_validate(custom_config["features"])
    bucketised = [category.name for category in plan.categories if category.source == "quantiles"]
    values = {name: to_finite_float(inputs[name]) for name in [*(number.name for number in plan.numbers), *bucketised]}

    outputs = transform_numbers(values, plan)
    for category in plan.categories:
        if category.source == "vocabulary":
            ids = vocabulary_ids(inputs[category.name], plan, category.name)
        else:
            ids = quantile_bucket_ids(values[category.name], plan.bucket_count)
        outputs[category.transformed] = ids
    if plan.label in inputs:
        outputs[plan.transformed_label] = encode_label(inputs[plan.label], plan)
    return outputs
