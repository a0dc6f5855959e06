"""Number columns cut into bins, whose names are what TFMA slices by: it knows slices by values alone.

The column keeps its name: `distance=500 to 1000` is a slice of any reader of TFMA's results. Needs no TensorFlow.
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

# By column, where one bin ends and the next begins: ascending.
Edges: TypeAlias = Mapping[str, Sequence[float]]

# For extractors, which are made where nobody can be given an argument. Not in their module: TFX loads that one anew.
active_edges: contextvars.ContextVar[Edges] = contextvars.ContextVar("edges")

NO_BIN = -1  # of what is missing, or NaN
_QUANTILE_HISTOGRAM = statistics_pb2.Histogram.QUANTILES


@contextlib.contextmanager
def use_edges(edges: Edges) -> Iterator[None]:
    """While entered, extractors are made for these edges."""
    token = active_edges.set(edges)
    try:
        yield
    finally:
        active_edges.reset(token)


def bins_to_property(bins: Mapping[str, BinSettings]) -> str:
    """The bins as an execution property, equal where the bins are."""
    return json.dumps({column: of_column.model_dump() for column, of_column in bins.items()}, sort_keys=True)


def bins_from_property(text: str | None) -> dict[str, BinSettings]:
    """The bins of an execution property; none where there is none."""
    return {column: BinSettings.model_validate(given) for column, given in json.loads(text or "{}").items()}


def bin_names(edges: Sequence[float]) -> list[str]:
    """What the bins are called, from the lowest to the highest: one more than there are edges."""
    ends = [_format_edge(edge) for edge in edges]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    return [f"below {ends[0]}", *between, f"{ends[-1]} or more"]


def bin_indices(values: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Which bin each value is in: an edge is in the bin that it begins; NaN is in none.

    Args:
        values: [rows] numbers. They are compared as float64: a float32 0.3 is more than the edge 0.3.
        edges: ascending.

    Returns:
        [rows] int64, from 0 to the number of edges, or NO_BIN.
    """
    numbers = values.astype(np.float64)
    return np.where(np.isnan(numbers), NO_BIN, np.searchsorted(np.asarray(edges, np.float64), numbers, side="right"))


def resolve_edges(bins: Mapping[str, BinSettings], training: statistics_pb2.DatasetFeatureStatistics | None) -> Edges:
    """The edges of all bins.

    Args:
        bins: by column.
        training: statistics of the training split; needed where bins are quantiles.

    Raises:
        ValueError: they are needed and tell no quantiles of a column.
    """
    return {
        column: of_column.edges
        if of_column.edges is not None
        else _quantile_edges(column, of_column.quantiles or 0, training)
        for column, of_column in bins.items()
    }


def _quantile_edges(
    column: str, count: int, training: statistics_pb2.DatasetFeatureStatistics | None
) -> tuple[float, ...]:
    """The inner edges of `count` about equally filled bins; fewer where many rows have one value.

    TFDV keeps deciles: what lies between two of them is read off the line that joins them.
    """
    found = [
        feature for feature in (training.features if training else ()) if column in (feature.name, *feature.path.step)
    ]
    histograms = [h for feature in found for h in feature.num_stats.histograms if h.type == _QUANTILE_HISTOGRAM]
    if not histograms or not histograms[0].buckets:
        raise ValueError(f"the training statistics tell no quantiles of {column}: give its bins as a list of edges")
    buckets = histograms[0].buckets
    known = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]
    wanted = np.interp(np.arange(1, count) / count, np.linspace(0, 1, len(known)), known)
    rounded = {float(_format_edge(float(f"{edge:.6g}"))) for edge in wanted if math.isfinite(edge)}
    # Nothing is below the least value: an edge there would begin the bin that holds everything.
    inner = tuple(sorted(edge for edge in rounded if edge > known[0]))
    if not inner:
        raise ValueError(f"{column} has one value in nearly all training rows, and so no quantiles to tell apart")
    return inner


def _format_edge(edge: float) -> str:
    """The shortest text that reads as the edge."""
    short = f"{edge:.6g}"
    return short if float(short) == edge else repr(edge).removesuffix(".0")
