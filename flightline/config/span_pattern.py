"""Spans in the names of files: what `{SPAN}`, `{VERSION}` and `{YYYY}-{MM}-{DD}` of a pattern mean, as in TFX.

A span is a number. Where the pattern has a date, it is the days since 1970-01-01, which is what TFX records; people
may write and read the date itself.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_EPOCH = datetime.date(1970, 1, 1)
_PLACEHOLDER = re.compile(r"\{(SPAN|VERSION)(?::(\d+))?\}|\{(YYYY|MM|DD)\}")
_MAX_SPAN_DIGITS = 18  # of a span: it is a 64-bit number in TFX
_MAX_DATE_SPAN = (datetime.date.max - _EPOCH).days
_DATE_DIGITS = {"YYYY": 4, "MM": 2, "DD": 2}
_GLOB_TO_REGEX = {"*": "[^/]*", "?": "[^/]"}


def date_to_span(date: datetime.date) -> int:
    """Days since the epoch: the span that TFX gives to a date."""
    return (date - _EPOCH).days


def parse_span(value: Any) -> Any:
    """A span as people write it: a number, or the date that a pattern of dates has; anything else is left as it is."""
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        value = datetime.date.fromisoformat(value)
    return date_to_span(value) if isinstance(value, datetime.date) else value


@dataclass(frozen=True)
class SpanPattern:
    """A glob with placeholders."""

    text: str

    @cached_property
    def placeholders(self) -> list[str]:
        """The names of the placeholders (`SPAN`, `VERSION`, `YYYY`, `MM`, `DD`), in their order in the pattern."""
        return [found[1] or found[3] for found in _PLACEHOLDER.finditer(self.text)]

    @property
    def has_spans(self) -> bool:
        return self.is_dated or "SPAN" in self.placeholders

    @property
    def is_dated(self) -> bool:
        return "YYYY" in self.placeholders

    def check(self) -> None:
        """Checks for patterns that TFX would refuse later.

        Raises:
            ValueError: a placeholder is repeated, excludes another one, or lacks the one that it needs.
        """
        names, known = self.placeholders, set(self.placeholders)
        for name in sorted(known):
            if names.count(name) > 1:
                raise ValueError(f"{{{name}}} is in the pattern {self.text} more than once")
        if known & set(_DATE_DIGITS) and not set(_DATE_DIGITS) <= known:
            raise ValueError(f"a date is {{YYYY}}, {{MM}} and {{DD}}: not all of them are in the pattern {self.text}")
        if self.is_dated and "SPAN" in known:
            raise ValueError(f"the pattern {self.text} has both {{SPAN}} and a date: either names the span")
        if "VERSION" in known and not self.has_spans:
            raise ValueError(f"the pattern {self.text} has a {{VERSION}} without a {{SPAN}} or date")
        widths = [found[2] for found in _PLACEHOLDER.finditer(self.text) if found[2]]
        if any(len(width) > 2 or not 0 < int(width) <= _MAX_SPAN_DIGITS for width in widths):
            raise ValueError(f"a width in the pattern {self.text} is not a number from 1 to {_MAX_SPAN_DIGITS}")

    def check_span(self, span: int) -> None:
        """Raises ValueError where the pattern cannot have a span."""
        if not self.has_spans:
            raise ValueError(f"data.span is {span}, and the pattern {self.text} has no {{SPAN}} or date")
        if span > (_MAX_DATE_SPAN if self.is_dated else 10**_MAX_SPAN_DIGITS):
            raise ValueError("the number is too large for a span of this pattern")

    def glob(self, span: int | None = None) -> str:
        """A glob for the files of one span in all versions, or of all spans."""

        def fill(found: re.Match[str]) -> str:
            if span is None or found[1] == "VERSION":
                return "*"
            return self._format_digits(span, found)

        return _PLACEHOLDER.sub(fill, self.text)

    def find(self, name: str) -> tuple[int, int | None] | None:
        """(span, version) in a file's name; None if the name does not match the pattern.

        Raises:
            ValueError: the name has leading zeros and the pattern no width: TFX would look for another name.
        """
        found = self._regex.fullmatch(name)
        if found is None:
            return None
        parts = found.groupdict()
        version = int(parts["VERSION"]) if parts.get("VERSION") else None
        if self.is_dated:
            try:
                return date_to_span(datetime.date(*(int(parts[key]) for key in _DATE_DIGITS))), version
            except ValueError:
                return None  # the 31st of February: not a date
        span = int(parts["SPAN"])
        if self._filled(span) != parts["SPAN"]:
            raise ValueError(f"{name} has leading zeros: write {{SPAN:{len(parts['SPAN'])}}} in data.pattern")
        return span, version

    def name_of(self, span: int) -> str:
        """The span as people call it: with the zeros of the pattern, or as a date."""
        if self.is_dated:
            return (_EPOCH + datetime.timedelta(days=span)).isoformat()
        return self._filled(span)

    def _filled(self, span: int) -> str:
        found = next((m for m in _PLACEHOLDER.finditer(self.text) if m[1] == "SPAN"), None)
        return self._format_digits(span, found) if found else str(span)

    def _format_digits(self, span: int, found: re.Match[str]) -> str:
        if found[3]:
            date = _EPOCH + datetime.timedelta(days=span)
            value = {"YYYY": date.year, "MM": date.month, "DD": date.day}[found[3]]
            return str(value).zfill(_DATE_DIGITS[found[3]])
        return str(span).zfill(int(found[2] or 1))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        """The pattern as a regular expression with a group for each placeholder."""
        parts, position = [], 0
        for found in _PLACEHOLDER.finditer(self.text):
            name = found[1] or found[3]
            width = _DATE_DIGITS.get(name) or found[2]
            digits = rf"\d{{{width}}}" if width else r"\d+"
            parts += [_translate_glob(self.text[position : found.start()]), f"(?P<{name}>{digits})"]
            position = found.end()
        return re.compile("".join([*parts, _translate_glob(self.text[position:])]))


def _translate_glob(text: str) -> str:
    return "".join(_GLOB_TO_REGEX.get(character) or re.escape(character) for character in text)
