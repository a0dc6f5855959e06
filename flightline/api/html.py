"""Small HTML for notebooks: tables and cards that carry their own style and fetch nothing. Every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from flightline.reporting.html.svg import tag
from flightline.reporting.html.view_model import KeyFigure
from flightline.reporting.html.view_model import Verdict as Headline

_TONE_COLOURS = {"good": "#1a7f37", "bad": "#cf222e", "unsure": "#9a6700"}
_CELL = "padding: 2px 12px 2px 0; vertical-align: top"


def html_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table. Columns of numbers are aligned right. None is an empty cell; a column of empty cells is left out."""
    table = [list(row) for row in rows]
    shown = [number for number in range(len(columns)) if any(row[number] is not None for row in table)]
    styles = {number: f"{_CELL}; text-align: {_alignment(row[number] for row in table)}" for number in shown}
    head = tag("tr", *(tag("th", columns[number], style=styles[number]) for number in shown))
    body = [tag("tr", *(tag("td", format_cell(row[n]), style=styles[n]) for n in shown)) for row in table]
    return tag("table", tag("thead", head), tag("tbody", *body), style="border-collapse: collapse")


def _alignment(values: Iterable[object]) -> str:
    return "right" if any(isinstance(value, int | float) for value in values) else "left"


def plural(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def format_cell(value: object) -> str:
    """A value as people read it: four decimals for fractions, thousands separated."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 10 else f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def verdict_card(run_id: str, headline: Headline, figures: Sequence[KeyFigure], *more: Markup) -> Markup:
    """The result of a run: a coloured title, the sentence that explains it, key figures."""
    colour = _TONE_COLOURS[headline.tone]
    title = tag(
        "div", f"{headline.sign} {headline.title}", style=f"font-size: 1.3em; font-weight: 600; color: {colour}"
    )
    numbers = [
        tag(
            "div",
            tag("div", figure.name, style="opacity: 0.7"),
            tag("div", figure.value, style="font-size: 1.2em"),
            tag("div", figure.note, style="opacity: 0.7"),
        )
        for figure in figures
    ]
    row = tag("div", *numbers, style="display: flex; flex-wrap: wrap; gap: 8px 28px; margin-top: 8px")
    style = f"border-left: 4px solid {colour}; padding: 4px 16px; max-width: 1000px"
    return tag("div", title, tag("div", f"run {run_id}. {headline.sentence}"), row, *more, style=style)


def section(title: str, *content: Markup) -> Markup:
    """Content under a small title."""
    return tag("div", tag("div", tag("b", title), style="margin-top: 10px"), *content)
