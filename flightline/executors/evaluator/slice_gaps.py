"""Measures the gap between the best and the worst slice, which the config can limit. Without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from flightline.config.evaluation import METRIC_DIRECTION, GapBounds
from flightline.metadata.evaluation import SliceGap, metric_key

GAPS_FILE = "gaps.json"  # in the ModelEvaluation artifact, next to TFMA's files

# (feature, value) pairs of a slice, and its metrics that have a value.
SliceMetrics: TypeAlias = tuple[Sequence[tuple[str, str]], Mapping[str, float]]


def gaps_to_property(gaps: Mapping[str, Sequence[GapBounds]]) -> str:
    """Serialize the bounds as an execution property; equal bounds give equal texts."""
    return json.dumps(
        {metric: [bound.model_dump() for bound in bounds] for metric, bounds in gaps.items()}, sort_keys=True
    )


def gaps_from_property(text: str | None) -> dict[str, list[GapBounds]]:
    """Read the bounds from an execution property; empty without one."""
    return {
        metric: [GapBounds.model_validate(raw) for raw in bounds] for metric, bounds in json.loads(text or "{}").items()
    }


def measure_gaps(gaps: Mapping[str, Sequence[GapBounds]], slices: Sequence[SliceMetrics]) -> list[SliceGap]:
    """Measure the gap of each bound. A gap that cannot be measured is not met.

    Args:
        gaps: bounds by metric, as the config names it.
        slices: of the candidate; those of other columns are ignored.
    """
    return [_measure_gap(metric, bounds, slices) for metric, metric_bounds in gaps.items() for bounds in metric_bounds]


def _measure_gap(metric: str, bounds: GapBounds, slices: Sequence[SliceMetrics]) -> SliceGap:
    key = metric_key(metric)
    values: dict[str, float] = {}
    rows: dict[str, int] = {}
    for pairs, metrics in slices:
        count = int(metrics.get("example_count", 0))
        if {name for name, _ in pairs} == set(bounds.columns) and count >= bounds.min_slice_size:
            name = ",".join(f"{column}={value}" for column, value in pairs)
            rows[name] = count
            if key in metrics:
                values[name] = metrics[key]
    order = sorted(values, key=lambda name: (values[name], name), reverse=METRIC_DIRECTION[metric] >= 0)
    best, worst = (order[0], order[-1]) if len(order) > 1 else ("", "")
    return SliceGap(
        metric=key,
        columns=",".join(bounds.columns),
        max_gap=bounds.max_gap,
        min_slice_size=bounds.min_slice_size,
        slices=len(rows),
        best=best,
        best_value=values.get(best),
        best_rows=rows.get(best, 0),
        worst=worst,
        worst_value=values.get(worst),
        worst_rows=rows.get(worst, 0),
        slices_without_value=sorted(set(rows) - set(values)),
    )
