"""Bins of numeric columns. TFMA slices by values only, so that the values are replaced by the names of their bins.

The column keeps its name: every reader of TFMA's results sees the slice `distance=500 to 1000`. Without TensorFlow.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.config.evaluation import BinSettings

# Column -> ascending values at which one bin ends and the next begins.
Edges: TypeAlias = Mapping[str, Sequence[float]]

# For TFMA's extractors, which are created without arguments of ours. Not in their module, which TFX imports again.
active_edges: contextvars.ContextVar[Edges] = contextvars.ContextVar("edges")

NO_BIN = -1  # for missing values and NaN
_QUANTILE_HISTOGRAM = statistics_pb2.Histogram.QUANTILES


@contextlib.contextmanager
def use_edges(edges: Edges) -> Iterator[None]:
    """Inside the block, new extractors use these edges."""
    token = active_edges.set(edges)
    try:
        yield
    finally:
        active_edges.reset(token)


def bins_to_property(bins: Mapping[str, BinSettings]) -> str:
    """Serialize bins as an execution property; equal bins give equal texts."""
    return json.dumps({column: column_bins.model_dump() for column, column_bins in bins.items()}, sort_keys=True)


def bins_from_property(text: str | None) -> dict[str, BinSettings]:
    """Read bins from an execution property; empty without one."""
    return {column: BinSettings.model_validate(raw) for column, raw in json.loads(text or "{}").items()}


def bin_names(edges: Sequence[float]) -> list[str]:
    """Name the bins, from the lowest to the highest: one more than there are edges."""
    ends = [_format_edge(edge) for edge in edges]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    return [f"below {ends[0]}", *between, f"{ends[-1]} or more"]


def bin_indices(values: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Find the bin of each value: an edge belongs to the bin that it begins, NaN to none.

    Args:
        values: [rows] numbers, compared as float64: a float32 0.3 is above the edge 0.3.
        edges: ascending.

    Returns:
        [rows] int64, from 0 to the number of edges, or NO_BIN.
    """
    numbers = values.astype(np.float64)
    return np.where(np.isnan(numbers), NO_BIN, np.searchsorted(np.asarray(edges, np.float64), numbers, side="right"))


def resolve_edges(bins: Mapping[str, BinSettings], training: statistics_pb2.DatasetFeatureStatistics | None) -> Edges:
    """Determine the edges of all bins.

    Args:
        bins: by column.
        training: statistics of the training split; needed where bins are quantiles.

    Raises:
        ValueError: they are needed and have no quantiles of a column.
    """
    return {
        column: column_bins.edges
        if column_bins.edges is not None
        else _quantile_edges(column, column_bins.quantiles or 0, training)
        for column, column_bins in bins.items()
    }


def _quantile_edges(
    column: str, count: int, training: statistics_pb2.DatasetFeatureStatistics | None
) -> tuple[float, ...]:
    """Compute the inner edges of `count` about equally filled bins; fewer if many rows have the same value.

    TFDV stores deciles; quantiles between them are interpolated linearly.
    """
    found = [
        feature for feature in (training.features if training else ()) if column in (feature.name, *feature.path.step)
    ]
    histograms = [h for feature in found for h in feature.num_stats.histograms if h.type == _QUANTILE_HISTOGRAM]
    if not histograms or not histograms[0].buckets:
        raise ValueError(f"the training statistics have no quantiles of {column}: give its bins as a list of edges")
    buckets = histograms[0].buckets
    known = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]
    edges = np.interp(np.arange(1, count) / count, np.linspace(0, 1, len(known)), known)
    rounded = {float(_format_edge(float(f"{edge:.6g}"))) for edge in edges if math.isfinite(edge)}
    # Nothing is below the smallest value: an edge there would leave the lowest bin empty.
    inner = tuple(sorted(edge for edge in rounded if edge > known[0]))
    if not inner:
        raise ValueError(f"{column} has the same value in nearly all training rows, so that its quantiles are equal")
    return inner


def _format_edge(edge: float) -> str:
    """Format an edge as the shortest text that is read back as the same number."""
    short = f"{edge:.6g}"
    return short if float(short) == edge else repr(edge).removesuffix(".0")
