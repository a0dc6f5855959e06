"""How far the best and the worst slice are apart, held against what the config allows. Needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from flightline.config.evaluation import METRIC_DIRECTION, GapBounds
from flightline.metadata.evaluation import SliceGap, metric_key

GAPS_FILE = "gaps.json"  # beside TFMA's files, in the ModelEvaluation artifact

# (feature, value) pairs of a slice, and its metrics that have a value.
SliceMetrics: TypeAlias = tuple[Sequence[tuple[str, str]], Mapping[str, float]]


def gaps_to_property(gaps: Mapping[str, Sequence[GapBounds]]) -> str:
    """The bounds as an execution property, equal where the bounds are."""
    return json.dumps({metric: [one.model_dump() for one in some] for metric, some in gaps.items()}, sort_keys=True)


def gaps_from_property(text: str | None) -> dict[str, list[GapBounds]]:
    """The bounds of an execution property; none where there is none."""
    return {
        metric: [GapBounds.model_validate(one) for one in some] for metric, some in json.loads(text or "{}").items()
    }


def measure_gaps(gaps: Mapping[str, Sequence[GapBounds]], slices: Sequence[SliceMetrics]) -> list[SliceGap]:
    """What came of each bound: a gap that cannot be measured is one that is not met.

    Args:
        gaps: bounds by metric, as the config names it.
        slices: of the candidate; those by other columns are left alone.
    """
    return [_measure_gap(metric, bounds, slices) for metric, some in gaps.items() for bounds in some]


def _measure_gap(metric: str, bounds: GapBounds, slices: Sequence[SliceMetrics]) -> SliceGap:
    key = metric_key(metric)
    values: dict[str, float] = {}
    rows: dict[str, int] = {}
    for pairs, metrics in slices:
        count = int(metrics.get("example_count", 0))
        if {name for name, _ in pairs} == set(bounds.by) and count >= bounds.min_slice_size:
            name = ",".join(f"{column}={value}" for column, value in pairs)
            rows[name] = count
            if key in metrics:
                values[name] = metrics[key]
    order = sorted(values, key=lambda name: (values[name], name), reverse=METRIC_DIRECTION[metric] >= 0)
    best, worst = (order[0], order[-1]) if len(order) > 1 else ("", "")
    return SliceGap(
        metric=key,
        columns=",".join(bounds.by),
        max_gap=bounds.at_most,
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
