"""From the inputs of a model to vectors that its layers learn from: numbers, embeddings, crosses of categories."""

import itertools
import math
from collections.abc import Sequence

import keras
from keras import ops

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings
from flightline.modeling.layers import PiecewiseLinear

# With Adam, one optimiser step changes a layer's output by the learning rate times the number of its inputs. More
# encoded inputs than this are scaled down, so that a table of hundreds of columns learns as steadily as one of a few.
_MAX_UNSCALED_INPUTS = 1024


def choose_crosses(sizes: Sequence[int], settings: ModelSettings) -> list[tuple[int, ...]]:
    """Choose the categories to cross: pairs first, then triples and so on, those with fewest combinations first.

    Args:
        sizes: number of ids of each category.
        settings: limits on the order, number and size of the crosses.

    Returns:
        the categories of each cross, by position.
    """
    chosen: list[tuple[int, ...]] = []
    for order in range(2, settings.cross_order + 1):
        if len(chosen) >= settings.max_crosses:
            break
        sized = (
            (math.prod(sizes[i] for i in cross), cross) for cross in itertools.combinations(range(len(sizes)), order)
        )
        chosen += [cross for size, cross in sorted(sized) if size <= settings.max_cross_size]
    return chosen[: settings.max_crosses]


def encode_numbers(numbers: keras.KerasTensor, plan: FeaturePlan) -> list[keras.KerasTensor]:
    """Encode numbers [batch, numbers] for the deep part of a network.

    Returns:
        two tensors [batch, width]: the encoded values, with 0 where one is missing, and an indicator of missing values
        for each optional number. Without optional numbers, only the first.
    """
    missing = ops.isnan(numbers)
    values = ops.where(missing, 0.0, numbers)
    encoded = [PiecewiseLinear(plan.quantile_bins, name="piecewise_linear")(values) if plan.quantile_bins else values]
    if (width := encoded[0].shape[-1]) > _MAX_UNSCALED_INPUTS:
        encoded[0] = encoded[0] * (_MAX_UNSCALED_INPUTS / width)
    optional = [i for i, number in enumerate(plan.numbers) if number.optional]
    if optional:
        encoded.append(ops.take(ops.cast(missing, "float32"), optional, axis=1))
    return encoded


def embed(table_rows: keras.KerasTensor, table_size: int, width: int, name: str) -> keras.KerasTensor:
    """Look up one embedding for each table row: int32 [batch, blocks] -> [batch, blocks * width]."""
    # Small initial weights: an embedding that is seldom trained stays close to zero.
    initializer = keras.initializers.RandomNormal(stddev=0.01)
    table = keras.layers.Embedding(table_size, width, embeddings_initializer=initializer, name=name)
    return keras.layers.Flatten()(table(table_rows))


def sum_weights(table_rows: keras.KerasTensor, table_size: int, outputs: int, name: str) -> keras.KerasTensor:
    """Add up one linear weight for each table row and output: int32 [batch, blocks] -> [batch, outputs]."""
    table = keras.layers.Embedding(table_size, outputs, embeddings_initializer="zeros", name=name)
    return ops.sum(table(table_rows), axis=1)
