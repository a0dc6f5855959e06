"""Layers that Keras does not have: piecewise-linear encoding, crosses of categories, low-rank cross layers."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


class PiecewiseLinear(keras.layers.Layer):
    """Encode positions in [0, 1] by how far they fill each of `bins` equal bins: [batch, n] -> [batch, n * bins].

    With positions among quantiles this is the piecewise-linear encoding of Gorishniy et al., "On Embeddings for
    Numerical Features in Tabular Deep Learning" (2022).
    """

    def __init__(self, bins: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.bins = bins

    def call(self, positions: keras.KerasTensor) -> keras.KerasTensor:
        left_edges = np.arange(self.bins, dtype="float32")
        filled = ops.clip(positions[:, :, None] * float(self.bins) - left_edges, 0.0, 1.0)
        return ops.reshape(filled, (-1, positions.shape[1] * self.bins))


class CrossIndex(keras.layers.Layer):
    """Compute rows of one table that holds every category and cross: ids [batch, categories] -> int32 [batch, blocks].

    The table has a block for each category, then one for each cross with a row for each combination of ids: one
    gather then fetches all of them.

    Attributes:
        blocks: number of categories and crosses.
        rows: size of the table.
    """

    def __init__(self, sizes: Sequence[int], crosses: Sequence[Sequence[int]], **kwargs: object) -> None:
        """`sizes`: number of ids of each category; `crosses`: the categories of each cross, by position."""
        super().__init__(**kwargs)
        blocks = [(i,) for i in range(len(sizes))] + [tuple(cross) for cross in crosses]
        strides = np.zeros((len(sizes), len(blocks)), "int32")
        rows = []
        for block, members in enumerate(blocks):
            size = 1
            for member in reversed(members):
                strides[member, block] = size
                size *= sizes[member]
            rows.append(size)
        self.blocks, self.rows = len(blocks), sum(rows)
        self._strides = strides
        self._offsets = np.cumsum([0, *rows[:-1]]).astype("int32")

    def call(self, ids: keras.KerasTensor) -> keras.KerasTensor:
        return ops.sum(ids[:, :, None] * self._strides, axis=1) + self._offsets


class LowRankCross(keras.layers.Layer):
    """DCN-v2 cross layer with a low-rank matrix, x0 * (U V x + b) + x (Wang et al., 2021): both [batch, n]."""

    def __init__(self, rank: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.rank = rank

    def build(self, x0_shape: tuple[int | None, int], x_shape: tuple[int | None, int]) -> None:
        self.down = keras.layers.Dense(self.rank, use_bias=False)
        self.up = keras.layers.Dense(x0_shape[-1])
        self.down.build(x_shape)
        self.up.build((None, self.rank))

    def call(self, x0: keras.KerasTensor, x: keras.KerasTensor) -> keras.KerasTensor:
        return x0 * self.up(self.down(x)) + x
