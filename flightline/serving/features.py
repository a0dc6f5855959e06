"""One feature of the contract: parse and validate its JSON values."""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal

from flightline.serving.example_encoder import Value, entry_encoder
from flightline.serving.input_feature import MAX_INTEGRAL_FLOAT, ColumnType, InputFeature

InvalidReason = Literal["missing", "wrong_type", "unparsable", "out_of_domain", "unknown_feature", "invalid_shape"]
EncodedValue = tuple[Value | None, bytes]
"""A value as it is logged, and its encoded entry in the tf.Example."""

_CACHE_SIZE = 4096  # values for each feature, so that repeated values are not encoded again
_CACHEABLE_TYPES = frozenset((int, float, bool, type(None)))
_MAX_CACHED_CHARS = 64  # longer texts are not cached
_MAX_TEXT_CHARS = 10_000
_INT64_RANGE = range(-(1 << 63), 1 << 63)
_MAX_FLOAT32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_TYPE_NAMES: dict[ColumnType, str] = {"int": "a whole number", "float": "a number", "bytes": "text"}


class InvalidValue(ValueError):
    """A value that its feature does not allow, and why."""

    def __init__(self, reason: InvalidReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Feature(InputFeature):
    """An input of a model that reads JSON values, or says why they are not valid."""

    def checker(self) -> Callable[[Any], EncodedValue]:
        """A function that parses one JSON value; it raises InvalidValue."""
        encode = entry_encoder(self.name, self.kind)
        readers: dict[ColumnType, Callable[[Any], Value]] = {
            "int": self._int,
            "float": self._float,
            "bytes": self._text,
        }
        read = readers[self.kind]

        def check(value: Any) -> EncodedValue:
            normal = None if _is_missing(value) else read(value)
            if normal is None and self.required:
                raise InvalidValue("missing", "a value is required")
            return normal, encode(normal)

        cached_check = lru_cache(maxsize=_CACHE_SIZE, typed=True)(check)

        def check_cached(value: Any) -> EncodedValue:
            kind = value.__class__
            if kind is str:
                return cached_check(value) if len(value) < _MAX_CACHED_CHARS else check(value)
            # 0.0 and -0.0 are equal as cache keys, but have different encodings.
            return cached_check(value) if kind in _CACHEABLE_TYPES and (value or kind is not float) else check(value)

        return check_cached

    def _int(self, value: Any) -> int:
        number = self._number(value)
        if number != math.floor(number):
            raise InvalidValue("wrong_type", f"expected a whole number, got {value!r}")
        if isinstance(number, float) and abs(number) > MAX_INTEGRAL_FLOAT:
            raise InvalidValue("unparsable", f"{value!r} is a float above 2**53; send it without a decimal point")
        if int(number) not in _INT64_RANGE:
            raise InvalidValue("unparsable", f"{value!r} does not fit into 64 bits")
        self._check_domain(number)
        return int(number)

    def _float(self, value: Any) -> float:
        number = self._number(value)
        if abs(number) > _MAX_FLOAT32:
            raise InvalidValue("unparsable", f"{value!r} does not fit into a 32-bit float")
        self._check_domain(number)
        return float(number)

    def _number(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue("wrong_type", f"expected {_TYPE_NAMES[self.kind]}, got {describe_json_value(value)}")
        if isinstance(value, float) and math.isinf(value):
            raise InvalidValue("unparsable", "the number is infinite")
        return value

    def _check_domain(self, number: int | float) -> None:
        if self.low is not None and number < self.low:
            raise InvalidValue("out_of_domain", f"{number} is below {self.low:g}, the smallest allowed value")
        if self.high is not None and number > self.high:
            raise InvalidValue("out_of_domain", f"{number} is above {self.high:g}, the largest allowed value")

    def _text(self, value: Any) -> str:
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidValue("unparsable", "the text is not UTF-8") from error
        if not isinstance(value, str):
            raise InvalidValue("wrong_type", f"expected text, got {describe_json_value(value)}")
        if len(value) > _MAX_TEXT_CHARS:
            raise InvalidValue(
                "unparsable", f"the text has {len(value):,} characters; at most {_MAX_TEXT_CHARS:,} are allowed"
            )
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can express
            raise InvalidValue("unparsable", "the text is not UTF-8") from error
        if self.values is not None and value not in self.values:
            raise InvalidValue(
                "out_of_domain",
                f"{value!r} is not one of the {len(self.values)} allowed values{did_you_mean(value, self.values)}",
            )
        return value


def _is_missing(value: Any) -> bool:
    """null, an empty text and NaN all mean that there is no value."""
    return value is None or value in ("", b"") or (isinstance(value, float) and math.isnan(value))


def describe_json_value(value: Any) -> str:
    """The type of a JSON value, for error messages."""
    kinds = {bool: "true or false", str: "text", bytes: "text", dict: "an object", list: "a list"}
    name = kinds.get(type(value), type(value).__name__)
    return f"{name} {value[:40]!r}" if isinstance(value, str | bytes) else name


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` if a known name is similar; otherwise empty."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def sample_value(feature: Feature) -> Value:
    """A valid value, from the middle of the feature's domain."""
    if feature.kind == "bytes":
        return min(feature.values) if feature.values else "probe"
    low = feature.low if feature.low is not None else min(0.0, feature.high or 0.0)
    high = feature.high if feature.high is not None else max(low, 0.0)
    middle = (low + high) / 2
    return int(middle) if feature.kind == "int" else middle
