"""What the library knows of a network that a user writes: the names of its inputs and of its last layer."""

import tensorflow as tf

from flightline.config.feature_plan import FeaturePlan

NUMERIC_INPUT, CATEGORICAL_INPUT = "numbers", "categories"
OUTPUT_LAYER = "outputs"  # training starts from its bias: what is known of the label before any column is read


def model_inputs(plan: FeaturePlan, columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Stacks transformed columns, each [batch], into the inputs of the model.

    Returns:
        {"numbers": float32 [batch, numbers], "categories": int32 [batch, categories]}; without the input of which the
        plan has no column.
    """
    inputs = {}
    if plan.numbers:
        inputs[NUMERIC_INPUT] = tf.stack([columns[number.transformed] for number in plan.numbers], axis=1)
    if plan.categories:
        ids = tf.stack([columns[category.transformed] for category in plan.categories], axis=1)
        inputs[CATEGORICAL_INPUT] = tf.cast(ids, tf.int32)
    return inputs
