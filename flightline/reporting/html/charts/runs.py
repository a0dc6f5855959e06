"""A metric over the runs of a pipeline; filled dots are runs that released their model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from flightline.reporting.html.svg import fit_scale, format_number, line, path, shorten, svg_image, tag, text

WIDTH, HEIGHT, LEFT, RIGHT = 760, 190, 56, 20


@dataclass(frozen=True)
class RunPoint:
    """A run; `link` is the address of its report, empty where it has none."""

    run_id: str
    value: float
    released: bool
    link: str


def timeline_chart(metric: str, points: Sequence[RunPoint]) -> Markup:
    """A dot for each run, evenly spaced, in the order of `points`."""
    y = fit_scale([point.value for point in points], HEIGHT - 30, 12, margin=0.15)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points) - 1)
    places = [(LEFT + step * i, y(point.value)) for i, point in enumerate(points)]
    parts = []
    for tick in y.ticks(4):
        parts += [
            line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid"),
            text(LEFT - 8, y(tick) + 4, format_number(tick, 5), "tick", "end"),
        ]
    parts.append(path(places, "curve model"))
    for (at, height), point in zip(places, points, strict=True):
        tooltip = f"{shorten(point.run_id, 60)}: {metric} {point.value:.4f}{', released' if point.released else ''}"
        dot = tag(
            "circle",
            tag("title", tooltip),
            cx=at,
            cy=height,
            r=5,
            class_="released" if point.released else "unreleased",
        )
        parts.append(tag("a", dot, href=point.link) if point.link else dot)
    for place, anchor in ((0, "start"), (-1, "end")):
        parts.append(text(places[place][0], HEIGHT - 6, shorten(points[place].run_id), "tick", anchor))
    return svg_image(WIDTH, HEIGHT, f"{metric} by run", *parts)
