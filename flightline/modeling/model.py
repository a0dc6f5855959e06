"""The wide and deep network, for any plan."""

import itertools
import math
from collections.abc import Sequence

import keras
from keras import ops

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings
from flightline.modeling.layers import CrossIndex, LowRankCross, PiecewiseLinear

NUMERIC_INPUT, CATEGORICAL_INPUT = "numbers", "categories"  # names of the model's inputs
OUTPUT_LAYER = "logit"  # name of the layer whose bias is what is known without any column
# An optimiser step of Adam moves what a layer gives by its learning rate times the number of its inputs: from so many
# encoded inputs on they are scaled down, and a table of hundreds of columns learns as steadily as one of a few.
_MAX_UNSCALED_INPUTS = 1024


def build_model(plan: FeaturePlan, settings: ModelSettings, sizes: Sequence[int]) -> keras.Model:
    """Builds the untrained model.

    Args:
        plan: what the columns are.
        settings: the network's shape.
        sizes: ids of each category of the plan, in its order (`FeaturePlan.category_sizes`).

    Returns:
        a model of {"numbers": float32 [batch, numbers], "categories": int32 [batch, categories]} to what the
        objective reads, [batch, outputs of the target]: logits, or an amount. A table without numbers, or without
        categories, has no such input.
    """
    inputs, deep, wide = {}, [], None
    if plan.numbers:
        inputs[NUMERIC_INPUT] = keras.Input((len(plan.numbers),), name=NUMERIC_INPUT, dtype="float32")
        deep += _encode_numeric(inputs[NUMERIC_INPUT], plan)
    if plan.categories:
        inputs[CATEGORICAL_INPUT] = keras.Input((len(plan.categories),), name=CATEGORICAL_INPUT, dtype="int32")
        index = CrossIndex(sizes, choose_crosses(sizes, settings), name="cross_index")
        rows = index(inputs[CATEGORICAL_INPUT])
        deep.append(keras.layers.Flatten()(_embedding_table(index.rows, settings.embedding_width, "embeddings")(rows)))
        if settings.wide:
            wide = ops.sum(_embedding_table(index.rows, plan.target.outputs, "wide", "zeros")(rows), axis=1)
    x = keras.layers.Concatenate()(deep) if len(deep) > 1 else deep[0]
    if settings.projection:
        x = keras.layers.Dense(settings.projection, name="projection")(x)
    start = x
    for layer in range(settings.cross_layers):
        x = LowRankCross(settings.cross_rank, name=f"cross_{layer + 1}")(start, x)
    for layer, units in enumerate(settings.hidden):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden_{layer + 1}")(x)
        x = keras.layers.Dropout(settings.dropout)(x)
    logits = keras.layers.Dense(plan.target.outputs, name=OUTPUT_LAYER)(x)
    return keras.Model(inputs, logits if wide is None else logits + wide)


def choose_crosses(sizes: Sequence[int], settings: ModelSettings) -> list[tuple[int, ...]]:
    """Which categories to cross: pairs first, then triples and so on, those with fewest combinations first."""
    chosen: list[tuple[int, ...]] = []
    for order in range(2, settings.cross_order + 1):
        if len(chosen) >= settings.max_crosses:
            break
        sized = (
            (math.prod(sizes[i] for i in cross), cross) for cross in itertools.combinations(range(len(sizes)), order)
        )
        chosen += [cross for size, cross in sorted(sized) if size <= settings.max_cross_size]
    return chosen[: settings.max_crosses]


def _encode_numeric(numbers: keras.KerasTensor, plan: FeaturePlan) -> list[keras.KerasTensor]:
    missing = ops.isnan(numbers)
    values = ops.where(missing, 0.0, numbers)
    encoded = [PiecewiseLinear(plan.quantile_bins, name="piecewise_linear")(values) if plan.quantile_bins else values]
    if (width := encoded[0].shape[-1]) > _MAX_UNSCALED_INPUTS:
        encoded[0] = encoded[0] * (_MAX_UNSCALED_INPUTS / width)
    optional = [i for i, number in enumerate(plan.numbers) if number.optional]
    if optional:
        encoded.append(ops.take(ops.cast(missing, "float32"), optional, axis=1))
    return encoded


def _embedding_table(
    rows: int, width: int, name: str, initializer: str | keras.initializers.Initializer | None = None
) -> keras.layers.Embedding:
    # Small weights: a row that training seldom meets stays close to saying nothing.
    initializer = initializer or keras.initializers.RandomNormal(stddev=0.01)
    return keras.layers.Embedding(rows, width, embeddings_initializer=initializer, name=name)
