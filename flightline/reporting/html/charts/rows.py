"""A bar of the row accounting: rows of each split, and rejected rows by reason."""

from __future__ import annotations

from markupsafe import Markup

from flightline.metadata.row_accounting import RowAccounting
from flightline.reporting.html.svg import format_number, format_percent, svg_image, tag

WIDTH, HEIGHT = 1000, 26


def row_segments(rows: RowAccounting) -> list[tuple[str, int, str]]:
    """(name, rows, CSS class) of each split and of each reason for rejection."""
    used = [(name, count, f"part{min(place, 2)}") for place, (name, count) in enumerate(rows.splits.items())]
    return used + [(reason.replace("_", " "), count, "rejected") for reason, count in rows.rejected.items()]


def rows_bar(rows: RowAccounting) -> Markup:
    total = max(rows.read, sum(count for _, count, _ in row_segments(rows)), 1)
    x, parts = 0.0, []
    for name, count, class_ in row_segments(rows):
        if count:
            width = max(2.0, count / total * WIDTH)
            title = tag("title", f"{name}: {format_number(count)} rows, {format_percent(count / total)}")
            parts.append(tag("rect", title, x=x, y=0, width=max(1.0, width - 2), height=HEIGHT, class_=class_))
            x += width
    return svg_image(WIDTH, HEIGHT, f"{format_number(rows.read)} rows read", *parts, class_="rows-bar")
