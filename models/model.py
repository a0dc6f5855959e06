"""The network that Trainer fits: wide and deep, for any table. Change the layers here."""

from collections.abc import Sequence

import keras

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings
from flightline.modeling.encoders import choose_crosses, embed, encode_numbers, sum_weights
from flightline.modeling.layers import CrossIndex, LowRankCross
from flightline.modeling.model_io import CATEGORICAL_INPUT, NUMERIC_INPUT, OUTPUT_LAYER


def build_model(plan: FeaturePlan, settings: ModelSettings, sizes: Sequence[int]) -> keras.Model:
    """Build the untrained network.

    Args:
        plan: what each column is.
        settings: section `model` of the config.
        sizes: number of ids of each category of the plan, in its order (`read_category_sizes`).

    Returns:
        a model of {"numbers": float32 [batch, numbers], "categories": int32 [batch, categories]} to float32
        [batch, outputs]: one logit for a binary label, one for each class, or a scaled regression target. A table
        without numbers, or without categories, has no such input.
    """
    inputs, deep, wide = {}, [], None
    if plan.numbers:
        numbers = keras.Input((len(plan.numbers),), name=NUMERIC_INPUT, dtype="float32")
        inputs[NUMERIC_INPUT] = numbers
        deep += encode_numbers(numbers, plan)
    if plan.categories:
        categories = keras.Input((len(plan.categories),), name=CATEGORICAL_INPUT, dtype="int32")
        inputs[CATEGORICAL_INPUT] = categories
        index = CrossIndex(sizes, choose_crosses(sizes, settings), name="cross_index")
        rows = index(categories)
        deep.append(embed(rows, index.rows, settings.embedding_width, "embeddings"))
        if settings.wide:
            wide = sum_weights(rows, index.rows, plan.target.outputs, "wide")

    x = keras.layers.Concatenate()(deep) if len(deep) > 1 else deep[0]
    if settings.projection:
        x = keras.layers.Dense(settings.projection, name="projection")(x)
    x0 = x
    for number in range(settings.cross_layers):
        x = LowRankCross(settings.cross_rank, name=f"cross_{number + 1}")(x0, x)
    for number, units in enumerate(settings.hidden):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden_{number + 1}")(x)
        x = keras.layers.Dropout(settings.dropout)(x)
    outputs = keras.layers.Dense(plan.target.outputs, name=OUTPUT_LAYER)(x)
    return keras.Model(inputs, outputs if wide is None else outputs + wide)
