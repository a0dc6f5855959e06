"""SVG by small functions: elements whose text and attributes are always escaped, scales, numbers as people read them.

Charts are drawn as SVG in the page and not by a script: they print, scale, follow the page's colours, are read by
screen readers, and leave the page a fraction of the size of a charting library. All colours are classes of the style
sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

MAX_UPSCALE = 1.15  # how far a drawing is blown up: its text should not outgrow the page's
MAX_LABEL_LENGTH = 28  # characters of a value from the data that a chart shows


def tag(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """One element. A child that is no Markup is text; `class_` is class, `_` in a name is `-`; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_format_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(replace_control_characters(child)) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>")  # noqa: S704 - what is put in is escaped above


def _format_attribute(value: object) -> object:
    if isinstance(value, str):
        return replace_control_characters(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def svg_image(width: float, height: float, label: str, *children: Markup, class_: str = "") -> Markup:
    """An image of a fixed aspect that shrinks with its column; `label` is what a screen reader says."""
    view, most = f"0 0 {width:g} {height:g}", f"max-width: {width * MAX_UPSCALE:g}px"
    return tag("svg", *children, viewBox=view, role="img", aria_label=label, class_=class_ or None, style=most)


def text(x: float, y: float, content: str, class_: str | None = None, anchor: str | None = None) -> Markup:
    return tag("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through points."""
    steps = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    return tag("path", d=steps, class_=class_)


def shorten(value: str, longest: int = MAX_LABEL_LENGTH) -> str:
    """A value from the data in so many characters, on one line."""
    seen = " ".join(replace_control_characters(value[: 4 * longest]).split())
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}…"


def replace_control_characters(text: str) -> str:
    """The text without what would not be seen or would turn others around; Markup, which is ours, is left alone."""
    if isinstance(text, Markup) or text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t " else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True)
class Scale:
    """Maps values between `low` and `high` to pixels between `start` and `end`, and no further."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low
        share = 0.5 if not width else min(1.0, max(0.0, (value - self.low) / width))
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round numbers within the scale."""
        width = self.high - self.low
        if not width > 0 or not math.isfinite(width):
            return [self.low]
        raw = width / about
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, first + 2 * about + 2) if n * step <= self.high + step * 1e-6]


def fit_scale(values: Sequence[float], start: float, end: float, margin: float = 0.05) -> Scale:
    """A scale around all finite values."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return Scale(low - room, high + room, start, end)


def format_number(value: float | None, digits: int = 4) -> str:
    """A number as one reads it: thousands parted, as many digits as it needs; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        shown = f"{int(value):,}"
    else:
        shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return shown.replace("-", "−")


def format_percent(share: float | None) -> str:
    """A share in percent; what is hardly there is not shown as nothing."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < share < 0.0005:
        return "< 0.1%"
    return f"{share * 100:.1f}%".replace(".0%", "%")


def format_duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
