"""The differences to the previous run: rows, metrics, settings, and how far each feature has shifted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from flightline.reporting.html.data import Change, FeatureShift
from flightline.reporting.html.statistics import (
    Statistics,
    count_missing,
    feature_kind,
    feature_name,
    standard_histogram,
)
from flightline.utils.distribution_distance import jensen_shannon, l_infinity
from flightline.utils.safe_yaml import parse_yaml

LINF, JENSEN_SHANNON = "L-infinity", "Jensen-Shannon"
EMPTY_YAML_STRING = "''"  # equal to a key that is not set
_IGNORED_SECTIONS = {"workspace", "tracking"}  # where a run is stored and logged does not change its result


def compute_shifts(before: Statistics, now: Statistics) -> list[FeatureShift]:
    """How far the features of both data sets have shifted, the largest shift first.

    Categorical features by the L-infinity distance of their value frequencies, numeric ones by the Jensen-Shannon
    divergence (base 2) of TFDV's histograms of equal width: the measures of a schema's drift comparators.
    """
    earlier = {feature_name(feature): feature for feature in before.features}
    found = []
    for feature in now.features:
        name = feature_name(feature)
        if name not in earlier or feature_kind(feature) != feature_kind(earlier[name]):
            continue
        pair = (earlier[name], feature)
        if feature_kind(feature) == "categorical":
            measure, distance = LINF, l_infinity(*(_value_frequencies(f) for f in pair))
        elif all(histograms := [standard_histogram(f) for f in pair]):
            measure, distance = JENSEN_SHANNON, jensen_shannon(*histograms)  # type: ignore[arg-type]
        else:
            continue
        missing = [
            count_missing(f, rows) / max(rows, 1) for f, rows in zip(pair, _row_counts(before, now), strict=True)
        ]
        found.append(FeatureShift(name, measure, round(distance, 6), *missing))
    return sorted(
        found, key=lambda shift: (-shift.distance, -abs(shift.missing_now - shift.missing_before), shift.feature)
    )


def _row_counts(*datasets: Statistics) -> list[int]:
    return [dataset.num_examples for dataset in datasets]


def _value_frequencies(feature: Any) -> dict[str, float]:
    buckets = feature.string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets) or 1.0
    return {bucket.label: bucket.sample_count / total for bucket in buckets}


def compare_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The values of both by name, in the order of `now`; equal ones included."""
    names = [*now, *(name for name in before if name not in now)]
    return [Change(name, before.get(name), now.get(name)) for name in names]


def diff_settings(before: str, now: str) -> list[Change]:
    """The keys (`train.epochs`) whose values differ between two configs in YAML; values are text."""
    old, new = (flatten_config(text) for text in (before, now))
    return [
        change
        for change in compare_values(old, new)
        if (change.before or EMPTY_YAML_STRING) != (change.now or EMPTY_YAML_STRING)
    ]


def flatten_config(text: str) -> dict[str, str]:
    """Every key (`train.epochs`) that a config in YAML sets, with its value as text."""
    return dict(_flatten(parse_yaml(text) or {}))


def _flatten(node: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[str, str]]:
    if isinstance(node, dict) and (node or not path):
        for key, value in node.items():
            if path or key not in _IGNORED_SECTIONS:
                yield from _flatten(value, (*path, str(key)))
    elif node is not None:
        yield ".".join(path), yaml.safe_dump(node, default_flow_style=True, width=1000).removesuffix("...\n").strip()
