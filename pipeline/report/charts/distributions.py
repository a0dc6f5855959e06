"""One feature's distribution, by split, as a small picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from pipeline.report.data import Feature, FeatureSplit, Histogram
from pipeline.report.svg import LONGEST, Scale, drawing, line, number, path, percent, shortened, tag, text

WIDTH, HEIGHT = 230, 96
BASE = HEIGHT - 16  # the axis
VALUES_SHOWN = 6
MOST_INTEGERS = 64
_LOPSIDED = 0.75  # share of the values in one bucket, from which equal widths show nothing

# Left edge, right edge, and how many of the values lie there for each unit of width.
Bars = list[tuple[float, float, float]]


def distribution(feature: Feature) -> Markup:
    """What the values of a feature are like; for every split its own bars or outline."""
    splits = {name: split for name, split in feature.splits.items() if split.missing < split.rows}
    label = f"Distribution of {shortened(feature.name)} in {', '.join(splits) or 'no split'}"
    if any(split.values for split in splits.values()):
        return _categories(list(splits.values()), label)
    if any(split.histogram for split in splits.values()):
        return _numbers(feature.kind == "integer", list(splits.values()), label)
    return drawing(WIDTH, 30, label, text(0, 18, "no values", "quiet"))


def _numbers(integers: bool, splits: Sequence[FeatureSplit], label: str) -> Markup:
    few = integers and all(split.histogram and _are_few(split.histogram) for split in splits)
    lopsided = not few and any(_is_lopsided(split) for split in splits)
    drawn = [bars_of(split, integers, lopsided) for split in splits]
    low, high = _window(splits, lopsided, drawn)
    x = Scale(low, high, 0, WIDTH)
    y = Scale(0, max((h for bars in drawn for _, _, h in bars), default=1.0), BASE, 4)
    parts = [line(0, BASE, WIDTH, BASE, "axis")]
    for place, bars in enumerate(drawn):
        shape = _outline([bar for bar in bars if bar[1] > low and bar[0] < high], x, y)
        parts.append(path(shape, f"split{min(place, 2)}"))
    least = min((s.least for s in splits if s.least is not None), default=low)
    greatest = max((s.greatest for s in splits if s.greatest is not None), default=high)
    left, right = (f"{number(least)} …" if least < low else number(low + 0.0, 3), number(high, 3))
    if integers and not lopsided:
        left, right = number(least), number(greatest)
    parts.append(text(0, HEIGHT - 3, left, "tick"))
    parts.append(text(WIDTH, HEIGHT - 3, f"… {number(greatest)}" if greatest > high else right, "tick", "end"))
    return drawing(WIDTH, HEIGHT, label, *parts)


def bars_of(split: FeatureSplit, integers: bool, lopsided: bool) -> Bars:
    """The histogram as densities. A few integers get a bar each, so that no bucket seems taller for holding two."""
    histogram = (split.quantiles if lopsided else split.histogram) or split.histogram
    if histogram is None:
        return []
    total = sum(histogram.counts) or 1.0
    if integers and not lopsided and _are_few(histogram):
        return _by_integer(histogram, total)
    bars: Bars = []
    start, held = histogram.edges[0], 0.0
    for end, count in zip(histogram.edges[1:], histogram.counts, strict=True):
        held += count / total
        if end > start:
            bars.append((start, end, held / (end - start)))
            start, held = end, 0.0
    if held and bars:  # many equal values at the very end
        low, high, density = bars[-1]
        bars[-1] = (low, high, density + held / (high - low))
    return bars or [(start - 0.5, start + 0.5, 1.0)]


def _by_integer(histogram: Histogram, total: float) -> Bars:
    """TFDV counts a value that lies on an edge to the bucket that ends there."""
    bars: Bars = []
    edges = [math.floor(edge + 1e-6) for edge in histogram.edges]
    first = math.ceil(histogram.edges[0] - 1e-6)
    for end, count in zip(edges[1:], histogram.counts, strict=True):
        bars += [(value - 0.5, value + 0.5, count / total / (end + 1 - first)) for value in range(first, end + 1)]
        first = max(first, end + 1)
    return bars


def _are_few(histogram: Histogram) -> bool:
    return histogram.edges[-1] - histogram.edges[0] < MOST_INTEGERS


def _is_lopsided(split: FeatureSplit) -> bool:
    counts = split.histogram.counts if split.histogram else []
    tenths = split.quantiles.edges if split.quantiles else []
    spread = len(set(tenths)) > len(tenths) / 2  # where most tenths are one value, they show no more
    return spread and max(counts, default=0) > _LOPSIDED * (sum(counts) or 1)


def _window(splits: Sequence[FeatureSplit], lopsided: bool, drawn: Sequence[Bars]) -> tuple[float, float]:
    """What of the axis is shown: everything, or the middle where a few values are far away."""
    low = min((bar[0] for bars in drawn for bar in bars), default=0.0)
    high = max((bar[1] for bars in drawn for bar in bars), default=1.0)
    if lopsided:
        tenths = [split.quantiles.edges for split in splits if split.quantiles]
        first, ninth = min(edges[1] for edges in tenths), max(edges[-2] for edges in tenths)
        low, high = max(low, first - (ninth - first) / 2), min(high, ninth + (ninth - first) / 2)
    return low, high


def _outline(bars: Bars, x: Scale, y: Scale) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for low, high, density in bars:
        if points and x(low) > points[-1][0] + 0.5:  # nothing lies between two buckets
            points += [(points[-1][0], BASE), (x(low), BASE)]
        points += [(x(low), y(density)), (x(high), y(density))]
    return [(points[0][0], BASE), *points, (points[-1][0], BASE)] if points else []


def _categories(splits: Sequence[FeatureSplit], label: str) -> Markup:
    shares = [_shares(split) for split in splits]
    names = list(shares[0])[:VALUES_SHOWN]
    x = Scale(0, max((s.get(name, 0.0) for s in shares for name in names), default=1.0) or 1.0, 0, WIDTH - 134)
    parts = []
    for row, name in enumerate(names):
        top = row * 16
        parts.append(tag("title", name[:200]) if len(name) > LONGEST else Markup(""))
        parts.append(text(80, top + 12, shortened(name, 14) or "(empty)", "value", "end"))
        parts.append(tag("rect", x=86, y=top + 2, width=x(shares[0][name]), height=12, class_="split0"))
        for place, share in enumerate(shares[1:], start=1):
            at = 86 + x(share.get(name, 0.0))
            parts.append(line(at, top + 1, at, top + 15, f"split{min(place, 2)}"))
        parts.append(text(WIDTH, top + 12, percent(shares[0][name]), "tick", "end"))
    unique = max((split.unique or 0 for split in splits), default=0)
    if unique > len(names):
        rest = 1 - sum(shares[0][name] for name in names)
        parts.append(text(86, len(names) * 16 + 12, f"and {unique - len(names):,} more, {percent(rest)}", "tick"))
    return drawing(WIDTH, max(HEIGHT, len(names) * 16 + 18), label, *parts)


def _shares(split: FeatureSplit) -> dict[str, float]:
    present = (split.rows - split.missing) or 1
    return {value: count / present for value, count in split.values}
