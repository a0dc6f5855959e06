"""Values over windows or months: a line for each series, and their threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from flightline.reporting.html.svg import fit_scale, format_number, line, path, shorten, svg_image, tag, text

WIDTH, HEIGHT, LEFT, BOTTOM = 480, 210, 52, 30
MAX_SERIES = 4  # as many as colours can distinguish
Values = Sequence[float | None]


def history_chart(
    label: str,
    places: Sequence[str],
    series: Mapping[str, Values],
    threshold: float | None = None,
    width: float = WIDTH,
) -> Markup:
    """A line for each series, the first one most prominent; a value that is None leaves a gap.

    Args:
        label: what the values are.
        places: names of the windows or months, oldest first.
        series: name → a value for each place.
        threshold: drawn as a dashed line.
    """
    shown = dict(list(series.items())[:MAX_SERIES])
    known = [value for values in shown.values() for value in values if value is not None]
    if not known:
        return Markup("")
    right = width - 92
    y = fit_scale([*known, *([threshold] if threshold is not None else [])], HEIGHT - BOTTOM, 10, margin=0.1)
    step = (right - LEFT - 12) / max(1, len(places) - 1)
    xs = [LEFT + 6 + step * i for i in range(len(places))]
    parts = []
    for tick in y.ticks(4):
        parts += [
            line(LEFT, y(tick), right, y(tick), "grid"),
            text(LEFT - 6, y(tick) + 4, format_number(tick), "tick", "end"),
        ]
    if threshold is not None:
        parts += [line(LEFT, y(threshold), right, y(threshold), "threshold")]
        parts.append(text(right + 6, y(threshold) + 4, "threshold", "tick"))
    ends = []
    for at, (name, values) in enumerate(shown.items()):
        points = [None if value is None else (x, y(value)) for x, value in zip(xs, values, strict=True)]
        parts += [path(run, f"curve series{at}") for run in _segments(points)]
        for point, value, place in zip(points, values, places, strict=True):
            if point is not None:
                title = tag("title", f"{shorten(name, 60)}, {shorten(place, 60)}: {format_number(value, 5)}")
                parts.append(tag("circle", title, cx=point[0], cy=point[1], r=3.5, class_=f"point{at}"))
        ends += [(point[1], name) for point in points if point is not None][-1:]
    parts += _end_labels(ends, right, skip=y(threshold) if threshold is not None else None)
    for index, anchor in {0: "start", len(places) - 1: "end"}.items():
        parts.append(text(xs[index], HEIGHT - 8, shorten(places[index], 22), "tick", anchor))
    return svg_image(width, HEIGHT, f"{label} over time: {', '.join(shorten(name) for name in shown)}", *parts)


def _segments(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The points in groups, split where one is missing."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _end_labels(ends: list[tuple[float, str]], right: float, skip: float | None) -> list[Markup]:
    """The names at the ends of the lines, moved apart from each other and from the threshold's."""
    parts, occupied = [], [skip] if skip is not None else []
    for at, name in sorted(ends):
        while any(abs(at - other) < 13 for other in occupied):
            at += 13
        occupied.append(at)
        parts.append(text(right + 6, at + 4, shorten(name, 13), "line-name"))
    return parts
