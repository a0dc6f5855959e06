"""Checks whole columns against a model's input contract, as `flightline.serving.contract` checks single requests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.serving.input_feature import InputFeature


def find_out_of_bounds(feature: InputFeature, distinct: np.ndarray | pa.Array) -> np.ndarray:
    """Find the typed values that are outside of the feature's bounds: [distinct] bool."""
    outside = np.zeros(len(distinct), bool)
    if isinstance(distinct, np.ndarray):
        if feature.low is not None:
            outside |= distinct < feature.low
        if feature.high is not None:
            outside |= distinct > feature.high
    elif feature.values is not None:
        allowed = pa.array([value.encode() for value in sorted(feature.values)], distinct.type)
        outside = ~pc.is_in(distinct, value_set=allowed).to_numpy(zero_copy_only=False)
    return outside
