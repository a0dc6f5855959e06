"""One feature of a release's rows: reading a JSON value as what the feature is, or saying why it is not."""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from serving.examples import Kind, Value, entry_encoder

Reason = Literal["missing", "type", "unparsable", "domain", "unknown", "rows"]
Checked = tuple[Value | None, bytes]
"""A value as it is logged, and its entry in the tf.Example."""

_REMEMBERED = 4096  # values a feature: encoding one that was seen before costs a look-up
_MEMORABLE = frozenset((int, float, bool, type(None)))
_SHORT = 64  # characters of a text that is remembered
_LONGEST_TEXT = 10_000
_INT64 = range(-(1 << 63), 1 << 63)
_LARGEST_FLOAT32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_NAMES: dict[Kind, str] = {"int": "a whole number", "float": "a number", "bytes": "text"}


class Unfit(ValueError):
    """A value that is not one of a feature's, and why."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Feature:
    """One feature of a row.

    Attributes:
        required: whether a row must have a value.
        low, high: smallest and largest value, where the domain has them.
        values: the texts there are, where the domain is closed.
    """

    name: str
    kind: Kind
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"feature {self.name!r} is of type {self.kind!r}, not one of {', '.join(get_args(Kind))}")

    def checker(self) -> Callable[[Any], Checked]:
        """The function that reads one JSON value; it raises `Unfit`."""
        encode = entry_encoder(self.name, self.kind)
        readers: dict[Kind, Callable[[Any], Value]] = {"int": self._int, "float": self._float, "bytes": self._text}
        read = readers[self.kind]

        def check(value: Any) -> Checked:
            normal = None if _is_missing(value) else read(value)
            if normal is None and self.required:
                raise Unfit("missing", "a value is required")
            return normal, encode(normal)

        remembered = lru_cache(maxsize=_REMEMBERED, typed=True)(check)

        def check_again(value: Any) -> Checked:
            kind = value.__class__
            if kind is str:
                return remembered(value) if len(value) < _SHORT else check(value)
            # 0.0 and -0.0 are one key and two encodings.
            return remembered(value) if kind in _MEMORABLE and (value or kind is not float) else check(value)

        return check_again

    def _int(self, value: Any) -> int:
        number = self._number(value)
        if number != math.floor(number):
            raise Unfit("type", f"wants a whole number, got {value!r}")
        if int(number) not in _INT64:
            raise Unfit("unparsable", f"{value!r} does not fit into 64 bits")
        self._within(number)
        return int(number)

    def _float(self, value: Any) -> float:
        number = self._number(value)
        if abs(number) > _LARGEST_FLOAT32:
            raise Unfit("unparsable", f"{value!r} does not fit into a float of 32 bits")
        self._within(number)
        return float(number)

    def _number(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit("type", f"wants {_NAMES[self.kind]}, got {shown(value)}")
        if isinstance(value, float) and math.isinf(value):
            raise Unfit("unparsable", "an infinite number")
        return value

    def _within(self, number: int | float) -> None:
        if self.low is not None and number < self.low:
            raise Unfit("domain", f"{number} is below {self.low:g}, the smallest value there is")
        if self.high is not None and number > self.high:
            raise Unfit("domain", f"{number} is above {self.high:g}, the largest value there is")

    def _text(self, value: Any) -> str:
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise Unfit("unparsable", "the text is not UTF-8") from error
        if not isinstance(value, str):
            raise Unfit("type", f"wants text, got {shown(value)}")
        if len(value) > _LONGEST_TEXT:
            raise Unfit("unparsable", f"a text of {len(value):,} characters; {_LONGEST_TEXT:,} are the most")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
            raise Unfit("unparsable", "the text is not UTF-8") from error
        if self.values is not None and value not in self.values:
            raise Unfit("domain", f"{value!r} is not one of its {len(self.values)} values{likely(value, self.values)}")
        return value


def _is_missing(value: Any) -> bool:
    """null, an empty text and NaN: three ways in which clients say that there is no value."""
    return value is None or value in ("", b"") or (isinstance(value, float) and math.isnan(value))


def shown(value: Any) -> str:
    """What a JSON value is, for a person."""
    kinds = {bool: "true or false", str: "text", bytes: "text", dict: "an object", list: "a list"}
    name = kinds.get(type(value), type(value).__name__)
    return f"{name} {value[:40]!r}" if isinstance(value, str | bytes) else name


def likely(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, where one of the known names is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def some_value(feature: Feature) -> Value:
    """A value in the middle of the feature's domain."""
    if feature.kind == "bytes":
        return min(feature.values) if feature.values else "probe"
    low = feature.low if feature.low is not None else min(0.0, feature.high or 0.0)
    high = feature.high if feature.high is not None else max(low, 0.0)
    middle = (low + high) / 2
    return int(middle) if feature.kind == "int" else middle
