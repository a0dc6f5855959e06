"""A model's input contract, held against whole columns: what `flightline.serving.contract` asks of a request, of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Bounds:
    """What a column may hold. Smallest and largest number, or the texts there are; None where anything goes."""

    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None

    def outside(self, distinct: np.ndarray | pa.Array) -> np.ndarray:
        """[distinct] bool: which of the typed values lie outside of the domain."""
        outside = np.zeros(len(distinct), bool)
        if isinstance(distinct, np.ndarray):
            if self.low is not None:
                outside |= distinct < self.low
            if self.high is not None:
                outside |= distinct > self.high
        elif self.values is not None:
            known = pa.array([value.encode() for value in self.values], distinct.type)
            outside = ~pc.is_in(distinct, value_set=known).to_numpy(zero_copy_only=False)
        return outside


def parse_bounds(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Bounds]:
    """The bounds of each column that `inputs` of a release.json names."""
    return {
        one["name"]: Bounds(
            bool(one.get("required")), one.get("min"), one.get("max"), tuple(one["values"]) if "values" in one else None
        )
        for one in inputs
    }
