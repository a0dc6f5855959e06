"""A metric by slice: a dot for the model, a ring for the champion, a dashed line for the value on all rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.reporting.html.svg import Scale, fit_scale, format_number, line, shorten, svg_image, tag, text

WIDTH, ROW_HEIGHT, LEFT, RIGHT = 360, 20, 96, 108
MAX_ROWS = 40
_VALUE_PATTERN = re.compile(
    r"=.*?(,(?=[^,=]*=)|\Z)", re.DOTALL
)  # the value of a column in the name of a slice; it may contain line breaks


@dataclass(frozen=True)
class SliceGroup:
    """The slices of the same columns: `names` in natural order; `dropped` is the number of slices that are left out."""

    columns: str
    names: list[str]
    dropped: int


def group_slices(evaluation: Evaluation) -> list[SliceGroup]:
    """The slices grouped by their columns; of each group the largest, where there are too many to draw."""
    by_columns: dict[str, list[str]] = {}
    for name in evaluation.metrics:
        if name != OVERALL:
            by_columns.setdefault(_VALUE_PATTERN.sub(r"\1", name), []).append(name)
    groups = []
    for columns, names in sorted(by_columns.items()):
        largest = sorted(names, key=lambda name: -evaluation.metrics[name].get("example_count", 0))[:MAX_ROWS]
        groups.append(
            SliceGroup(columns.replace(",", " × "), sorted(largest, key=natural_sort_key), len(names) - len(largest))
        )
    return groups


def natural_sort_key(name: str) -> list[tuple[int, float, str]]:
    """month=2 before month=10; bins from the lowest to the highest, negative and fractional edges too."""
    bins = re.sub(r"=below (?=[-\d])", "=-inf to ", name)
    return [
        (0, float(part), "") if number else (1, 0.0, part)
        for part in re.split(r"((?<=[= ])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![^ ,])|-inf|\d+)", bins)
        for number in [re.fullmatch(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|-inf", part)]
    ]


def metric_by_slice(evaluation: Evaluation, metric: str, group: SliceGroup) -> Markup:
    """A row for each slice of the group; a dashed line shows the value on all rows."""
    values = {name: evaluation.metrics[name].get(metric) for name in group.names}
    champion = {name: evaluation.champion.get(name, {}).get(metric) for name in group.names}
    overall = evaluation.metrics.get(OVERALL, {}).get(metric)
    known = [value for value in (*values.values(), *champion.values(), overall) if value is not None]
    if not known:
        return Markup("")
    height = len(group.names) * ROW_HEIGHT + 30
    longest = max(len(_label(name)) for name in group.names)
    x = fit_scale(known, min(LEFT, 20 + 7 * longest), WIDTH - RIGHT)
    parts: list[Markup] = []
    for tick in x.ticks(4):
        parts += [
            line(x(tick), 6, x(tick), height - 20, "grid"),
            text(x(tick), height - 5, format_number(tick), "tick", "middle"),
        ]
    if overall is not None:
        parts.append(line(x(overall), 2, x(overall), height - 20, "overall"))
    for place, name in enumerate(group.names):
        parts += _row(
            6 + place * ROW_HEIGHT + ROW_HEIGHT / 2, name, values[name], champion[name], evaluation.metrics[name], x
        )
    return svg_image(WIDTH, height, f"{metric} by {group.columns}", *parts)


def _label(name: str) -> str:
    """The values of a slice without its columns, which the title names."""
    values = ", ".join(part.partition("=")[2] for part in re.split(r",(?=[^,=]*=)", name))
    return shorten(values or name, 14) or "(empty)"


def _row(
    y: float, name: str, value: float | None, champion: float | None, found: Mapping[str, float], x: Scale
) -> list[Markup]:
    parts = [text(x.start - 8, y + 4, _label(name), "value", "end")]
    if champion is not None:
        parts.append(tag("circle", cx=x(champion), cy=y, r=5, class_="ring"))
    if value is None:
        parts.append(text(x.start, y + 4, "no value", "muted"))
    else:
        rows = format_number(found.get("example_count"))
        tooltip = f"{shorten(name, 80)}: {value:.4f}" + (f", champion {champion:.4f}" if champion is not None else "")
        parts.append(tag("circle", tag("title", tooltip), cx=x(value), cy=y, r=4.5, class_="dot"))
        parts.append(text(WIDTH - RIGHT + 54, y + 4, f"{value:.4f}", "figure", "end"))
        parts.append(text(WIDTH, y + 4, rows, "tick", "end"))
    return parts
