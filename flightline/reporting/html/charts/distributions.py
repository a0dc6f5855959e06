"""A small chart of the distribution of one feature in each split."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from flightline.reporting.html.data import Feature, SplitStatistics
from flightline.reporting.html.svg import (
    MAX_LABEL_LENGTH,
    Scale,
    format_number,
    format_percent,
    line,
    path,
    shorten,
    svg_image,
    tag,
    text,
)
from flightline.utils.distribution_distance import Histogram

WIDTH, HEIGHT = 230, 96
BASELINE_Y = HEIGHT - 16  # the axis
MAX_VALUES_SHOWN = 6
MAX_INTEGER_BARS = 64
_SKEWED_BUCKET_SHARE = 0.75  # fraction of the values in one bucket, from which buckets of equal width show too little

# (left edge, right edge, density): the density is the fraction of the values per unit of width.
Bars = list[tuple[float, float, float]]


def distribution_chart(feature: Feature) -> Markup:
    """The distribution of a feature: filled for the first split, an outline for each other."""
    splits = {name: split for name, split in feature.splits.items() if split.missing < split.rows}
    label = f"Distribution of {shorten(feature.name)} in {', '.join(splits) or 'no split'}"
    if any(split.values for split in splits.values()):
        return _category_chart(list(splits.values()), label)
    if any(split.histogram for split in splits.values()):
        return _histogram_chart(feature.kind == "integer", list(splits.values()), label)
    return svg_image(WIDTH, 30, label, text(0, 18, "no values", "muted"))


def _histogram_chart(integers: bool, splits: Sequence[SplitStatistics], label: str) -> Markup:
    few_values = integers and all(split.histogram and _has_few_integers(split.histogram) for split in splits)
    skewed = not few_values and any(_is_skewed(split) for split in splits)
    drawn = [density_bars(split, integers, skewed) for split in splits]
    low, high = _axis_range(splits, skewed, drawn)
    x = Scale(low, high, 0, WIDTH)
    y = Scale(0, max((h for bars in drawn for _, _, h in bars), default=1.0), BASELINE_Y, 4)
    parts = [line(0, BASELINE_Y, WIDTH, BASELINE_Y, "axis")]
    for place, bars in enumerate(drawn):
        shape = _outline([bar for bar in bars if bar[1] > low and bar[0] < high], x, y)
        parts.append(path(shape, f"split{min(place, 2)}"))
    minimum = min((s.min for s in splits if s.min is not None), default=low)
    maximum = max((s.max for s in splits if s.max is not None), default=high)
    left, right = (
        f"{format_number(minimum)} …" if minimum < low else format_number(low + 0.0, 3),
        format_number(high, 3),
    )
    if integers and not skewed:
        left, right = format_number(minimum), format_number(maximum)
    parts.append(text(0, HEIGHT - 3, left, "tick"))
    parts.append(text(WIDTH, HEIGHT - 3, f"… {format_number(maximum)}" if maximum > high else right, "tick", "end"))
    return svg_image(WIDTH, HEIGHT, label, *parts)


def density_bars(split: SplitStatistics, integers: bool, skewed: bool) -> Bars:
    """The histogram as densities. Few distinct integers get a bar each: a bucket with two of them would look taller."""
    histogram = (split.quantiles if skewed else split.histogram) or split.histogram
    if histogram is None:
        return []
    total = sum(histogram.counts) or 1.0
    if integers and not skewed and _has_few_integers(histogram):
        return _integer_bars(histogram, total)
    bars: Bars = []
    start, pending = histogram.edges[0], 0.0
    for end, count in zip(histogram.edges[1:], histogram.counts, strict=True):
        pending += count / total
        if end > start:
            bars.append((start, end, pending / (end - start)))
            start, pending = end, 0.0
    if pending and bars:  # the last bucket has no width: add it to the one before
        low, high, density = bars[-1]
        bars[-1] = (low, high, density + pending / (high - low))
    return bars or [(start - 0.5, start + 0.5, 1.0)]


def _integer_bars(histogram: Histogram, total: float) -> Bars:
    """One bar per integer; TFDV counts a value on an edge in the bucket that ends there."""
    bars: Bars = []
    edges = [math.floor(edge + 1e-6) for edge in histogram.edges]
    first = math.ceil(histogram.edges[0] - 1e-6)
    for end, count in zip(edges[1:], histogram.counts, strict=True):
        bars += [(value - 0.5, value + 0.5, count / total / (end + 1 - first)) for value in range(first, end + 1)]
        first = max(first, end + 1)
    return bars


def _has_few_integers(histogram: Histogram) -> bool:
    return histogram.edges[-1] - histogram.edges[0] < MAX_INTEGER_BARS


def _is_skewed(split: SplitStatistics) -> bool:
    counts = split.histogram.counts if split.histogram else []
    deciles = split.quantiles.edges if split.quantiles else []
    spread_out = len(set(deciles)) > len(deciles) / 2  # else most deciles are one value, and show no more
    return spread_out and max(counts, default=0) > _SKEWED_BUCKET_SHARE * (sum(counts) or 1)


def _axis_range(splits: Sequence[SplitStatistics], skewed: bool, drawn: Sequence[Bars]) -> tuple[float, float]:
    """The range of the axis: all values, or the middle ones where a few are far away."""
    low = min((bar[0] for bars in drawn for bar in bars), default=0.0)
    high = max((bar[1] for bars in drawn for bar in bars), default=1.0)
    if skewed:
        deciles = [split.quantiles.edges for split in splits if split.quantiles]
        first, last = min(edges[1] for edges in deciles), max(edges[-2] for edges in deciles)
        low, high = max(low, first - (last - first) / 2), min(high, last + (last - first) / 2)
    return low, high


def _outline(bars: Bars, x: Scale, y: Scale) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for low, high, density in bars:
        if points and x(low) > points[-1][0] + 0.5:  # a gap between two buckets
            points += [(points[-1][0], BASELINE_Y), (x(low), BASELINE_Y)]
        points += [(x(low), y(density)), (x(high), y(density))]
    return [(points[0][0], BASELINE_Y), *points, (points[-1][0], BASELINE_Y)] if points else []


def _category_chart(splits: Sequence[SplitStatistics], label: str) -> Markup:
    frequencies = [_value_frequencies(split) for split in splits]
    names = list(frequencies[0])[:MAX_VALUES_SHOWN]
    x = Scale(0, max((s.get(name, 0.0) for s in frequencies for name in names), default=1.0) or 1.0, 0, WIDTH - 134)
    parts = []
    for row, name in enumerate(names):
        top = row * 16
        parts.append(tag("title", name[:200]) if len(name) > MAX_LABEL_LENGTH else Markup(""))
        parts.append(text(80, top + 12, shorten(name, 14) or "(empty)", "value", "end"))
        parts.append(tag("rect", x=86, y=top + 2, width=x(frequencies[0][name]), height=12, class_="split0"))
        for place, other in enumerate(frequencies[1:], start=1):
            tick_x = 86 + x(other.get(name, 0.0))
            parts.append(line(tick_x, top + 1, tick_x, top + 15, f"split{min(place, 2)}"))
        parts.append(text(WIDTH, top + 12, format_percent(frequencies[0][name]), "tick", "end"))
    unique = max((split.unique or 0 for split in splits), default=0)
    if unique > len(names):
        remainder = 1 - sum(frequencies[0][name] for name in names)
        parts.append(
            text(86, len(names) * 16 + 12, f"and {unique - len(names):,} more, {format_percent(remainder)}", "tick")
        )
    return svg_image(WIDTH, max(HEIGHT, len(names) * 16 + 18), label, *parts)


def _value_frequencies(split: SplitStatistics) -> dict[str, float]:
    present = (split.rows - split.missing) or 1
    return {value: count / present for value, count in split.values}
