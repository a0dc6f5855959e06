"""What is different from the previous run: rows, metrics, settings, and how far each feature moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import yaml

from flightline.reporting.html.data import Change, FeatureShift, Histogram
from flightline.reporting.html.statistics import (
    Statistics,
    count_missing,
    feature_kind,
    feature_name,
    standard_histogram,
)
from flightline.utils.safe_yaml import parse_yaml

LINF, JENSEN_SHANNON = "L-infinity", "Jensen-Shannon"
EMPTY_YAML_STRING = "''"  # a text that is not there, and one that is empty
_IGNORED_SECTIONS = {"workspace", "tracking"}  # where a run is kept, and who is told, does not change what comes of it


def compute_shifts(before: Statistics, now: Statistics) -> list[FeatureShift]:
    """How far the features that both have moved, the farthest first.

    Categories by the L-infinity distance of their shares, numbers by the Jensen-Shannon divergence (base 2) of TFDV's
    histograms of equal width: the measures that a schema's drift comparators name.
    """
    earlier = {feature_name(feature): feature for feature in before.features}
    found = []
    for feature in now.features:
        name = feature_name(feature)
        if name not in earlier or feature_kind(feature) != feature_kind(earlier[name]):
            continue
        pair = (earlier[name], feature)
        if feature_kind(feature) == "category":
            measure, distance = LINF, l_infinity(*(_value_shares(f) for f in pair))
        elif all(histograms := [standard_histogram(f) for f in pair]):
            measure, distance = JENSEN_SHANNON, jensen_shannon(*histograms)  # type: ignore[arg-type]
        else:
            continue
        missing = [
            count_missing(f, rows) / max(rows, 1) for f, rows in zip(pair, _row_counts(before, now), strict=True)
        ]
        found.append(FeatureShift(name, measure, round(distance, 6), *missing))
    return sorted(found, key=lambda m: (-m.distance, -abs(m.missing_now - m.missing_before), m.feature))


def _row_counts(*datasets: Statistics) -> list[int]:
    return [dataset.num_examples for dataset in datasets]


def _value_shares(feature: Any) -> dict[str, float]:
    buckets = feature.string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets) or 1.0
    return {bucket.label: bucket.sample_count / total for bucket in buckets}


def l_infinity(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """The largest difference of the share of one value."""
    return max((abs(before.get(value, 0.0) - now.get(value, 0.0)) for value in {*before, *now}), default=0.0)


def jensen_shannon(before: Histogram, now: Histogram) -> float:
    """Divergence to base 2, 0 (the same) to 1, over the edges of both; within a bucket values count as even."""
    before, now = _ensure_width(before), _ensure_width(now)
    edges = np.union1d(before.edges, now.edges)
    p, q = (_rebin(histogram, edges) for histogram in (before, now))
    middle = (p + q) / 2
    return max(0.0, (_kullback_leibler(p, middle) + _kullback_leibler(q, middle)) / 2)


def _ensure_width(histogram: Histogram) -> Histogram:
    """A constant has buckets without width, which nothing can be compared with: it gets the narrowest one."""
    low, high = histogram.edges[0], histogram.edges[-1]
    narrow = max(abs(low), 1.0) * 1e-9
    return histogram if high > low else Histogram([low - narrow, low + narrow], [sum(histogram.counts)])


def _rebin(histogram: Histogram, edges: np.ndarray) -> np.ndarray:
    """Shares by the buckets of finer `edges`."""
    total = sum(histogram.counts) or 1.0
    cumulated = np.interp(edges, histogram.edges, np.concatenate([[0.0], np.cumsum(histogram.counts)]) / total)
    shares: np.ndarray = np.diff(cumulated)
    return shares


def _kullback_leibler(p: np.ndarray, q: np.ndarray) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def compare_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The names of both, in the order of `now`, with their values; equal ones included."""
    names = [*now, *(name for name in before if name not in now)]
    return [Change(name, before.get(name), now.get(name)) for name in names]


def diff_settings(before: str, now: str) -> list[Change]:
    """The keys (`train.epochs`) at which two configs in YAML differ, with their values as text."""
    old, new = (flatten_config(text) for text in (before, now))
    return [
        change
        for change in compare_values(old, new)
        if (change.before or EMPTY_YAML_STRING) != (change.now or EMPTY_YAML_STRING)
    ]


def flatten_config(text: str) -> dict[str, str]:
    """Every key (`train.epochs`) of a config in YAML that is set, with its value as text."""
    return dict(_flatten(parse_yaml(text) or {}))


def _flatten(node: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[str, str]]:
    if isinstance(node, dict) and (node or not path):
        for key, value in node.items():
            if path or key not in _IGNORED_SECTIONS:
                yield from _flatten(value, (*path, str(key)))
    elif node is not None:
        yield ".".join(path), yaml.safe_dump(node, default_flow_style=True, width=1000).removesuffix("...\n").strip()
