"""SVG elements whose text and attributes are always escaped, scales, and number formats.

Charts are SVG in the page, not drawn by a script: they print, scale, follow the page's colours, work with screen
readers, and keep the page far smaller than a charting library would. All colours are classes of the style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

MAX_UPSCALE = 1.15  # of a drawing: its text should not become larger than the page's
MAX_LABEL_LENGTH = 28  # characters of a value in a chart


def tag(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """One element. A child that is not Markup is text. `class_` is written as class, `_` in a name as `-`; attributes
    that are None are left out."""
    attribute_text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_format_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    content = "".join(escape(replace_control_characters(child)) for child in children)
    return Markup(f"<{name}{attribute_text}>{content}</{name}>")  # noqa: S704 - all parts are escaped above


def _format_attribute(value: object) -> object:
    if isinstance(value, str):
        return replace_control_characters(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def svg_image(width: float, height: float, label: str, *children: Markup, class_: str = "") -> Markup:
    """An image of fixed aspect ratio that shrinks with its column; `label` is its text for screen readers."""
    view_box, style = f"0 0 {width:g} {height:g}", f"max-width: {width * MAX_UPSCALE:g}px"
    return tag("svg", *children, viewBox=view_box, role="img", aria_label=label, class_=class_ or None, style=style)


def text(x: float, y: float, content: str, class_: str | None = None, anchor: str | None = None) -> Markup:
    return tag("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through the points."""
    steps = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    return tag("path", d=steps, class_=class_)


def shorten(value: str, max_length: int = MAX_LABEL_LENGTH) -> str:
    """A value on one line, cut to `max_length` characters."""
    line = " ".join(replace_control_characters(value[: 4 * max_length]).split())
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"


def replace_control_characters(text: str) -> str:
    """Replaces characters that are invisible or change the direction of text; Markup is left as it is."""
    if isinstance(text, Markup) or text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t " else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` to pixels from `start` to `end`; values outside are clipped."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low
        fraction = 0.5 if not width else min(1.0, max(0.0, (value - self.low) / width))
        return self.start + fraction * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round numbers within the scale."""
        width = self.high - self.low
        if not width > 0 or not math.isfinite(width):
            return [self.low]
        raw = width / count
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, first + 2 * count + 2) if n * step <= self.high + step * 1e-6]


def fit_scale(values: Sequence[float], start: float, end: float, margin: float = 0.05) -> Scale:
    """A scale that covers all finite values, with a margin on both sides."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    padding = (high - low) * margin or abs(high) * margin or 1.0
    return Scale(low - padding, high + padding, start, end)


def format_number(value: float | None, digits: int = 4) -> str:
    """A number with thousands separators and `digits` significant digits; a dash for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return text.replace("-", "−")


def format_percent(fraction: float | None) -> str:
    """A fraction as a percentage; a small one as "< 0.1%" and not as 0%; a dash for None and NaN."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    if 0 < fraction < 0.0005:
        return "< 0.1%"
    return f"{fraction * 100:.1f}%".replace(".0%", "%")


def format_duration(seconds: float | None) -> str:
    """Seconds as seconds, minutes or hours; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
