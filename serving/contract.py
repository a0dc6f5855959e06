"""The input contract of a release: which features a row has, of which types and domains; and rows held to it.

A row that breaks it is refused before inference, by the feature's name. What is checked is what the curated schema
says of training data, so that a model is not asked about what it cannot have seen.
"""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

from serving.examples import Kind, Value, entry_encoder, example

Reason = Literal["missing", "type", "unparsable", "domain", "unknown", "rows"]
Checked = tuple[Value | None, bytes]
"""A value as it is logged, and its entry in the tf.Example."""

MOST_PROBLEMS = 20  # named in one answer
_REMEMBERED = 4096  # values a feature: encoding one that was seen before costs a look-up
_MEMORABLE = frozenset((int, float, bool, type(None)))
_SHORT = 64  # characters of a text that is remembered
_LONGEST_TEXT = 10_000
_INT64 = range(-(1 << 63), 1 << 63)
_LARGEST_FLOAT32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_NAMES: dict[Kind, str] = {"int": "a whole number", "float": "a number", "bytes": "text"}


@dataclass(frozen=True)
class Problem:
    """Why a row is refused. `row` counts from 0; it is None where the whole request is at fault."""

    row: int | None
    feature: str
    reason: Reason
    message: str

    def __str__(self) -> str:
        where = "" if self.row is None else f"row {self.row}: "
        return f"{where}{self.feature}: {self.message}" if self.feature else f"{where}{self.message}"


class Refused(ValueError):
    """A request that breaks the contract."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = list(problems)


class _Unfit(ValueError):
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
        """The function that reads one JSON value; it raises `_Unfit`."""
        encode = entry_encoder(self.name, self.kind)
        readers: dict[Kind, Callable[[Any], Value]] = {"int": self._int, "float": self._float, "bytes": self._text}
        read = readers[self.kind]

        def check(value: Any) -> Checked:
            normal = None if _is_missing(value) else read(value)
            if normal is None and self.required:
                raise _Unfit("missing", "a value is required")
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
            raise _Unfit("type", f"wants a whole number, got {value!r}")
        if int(number) not in _INT64:
            raise _Unfit("unparsable", f"{value!r} does not fit into 64 bits")
        self._within(number)
        return int(number)

    def _float(self, value: Any) -> float:
        number = self._number(value)
        if abs(number) > _LARGEST_FLOAT32:
            raise _Unfit("unparsable", f"{value!r} does not fit into a float of 32 bits")
        self._within(number)
        return float(number)

    def _number(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unfit("type", f"wants {_NAMES[self.kind]}, got {_shown(value)}")
        if isinstance(value, float) and math.isinf(value):
            raise _Unfit("unparsable", "an infinite number")
        return value

    def _within(self, number: int | float) -> None:
        if self.low is not None and number < self.low:
            raise _Unfit("domain", f"{number} is below {self.low:g}, the smallest value there is")
        if self.high is not None and number > self.high:
            raise _Unfit("domain", f"{number} is above {self.high:g}, the largest value there is")

    def _text(self, value: Any) -> str:
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _Unfit("unparsable", "the text is not UTF-8") from error
        if not isinstance(value, str):
            raise _Unfit("type", f"wants text, got {_shown(value)}")
        if len(value) > _LONGEST_TEXT:
            raise _Unfit("unparsable", f"a text of {len(value):,} characters; {_LONGEST_TEXT:,} are the most")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
            raise _Unfit("unparsable", "the text is not UTF-8") from error
        if self.values is not None and value not in self.values:
            raise _Unfit(
                "domain", f"{value!r} is not one of its {len(self.values)} values{_likely(value, self.values)}"
            )
        return value


def _is_missing(value: Any) -> bool:
    """null, an empty text and NaN: three ways in which clients say that there is no value."""
    return value is None or value in ("", b"") or (isinstance(value, float) and math.isnan(value))


def _shown(value: Any) -> str:
    kinds = {bool: "true or false", str: "text", bytes: "text", dict: "an object", list: "a list"}
    name = kinds.get(type(value), type(value).__name__)
    return f"{name} {value[:40]!r}" if isinstance(value, str | bytes) else name


def _likely(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@dataclass(frozen=True)
class Rows:
    """The rows of a request, ready for the model and for the log.

    Attributes:
        examples: serialized tf.Examples, in the order of the request.
        columns: feature → its values, None where missing.
    """

    examples: list[bytes]
    columns: dict[str, list[Value | None]] = field(repr=False)


class Contract:
    """The features of a release. Thread-safe."""

    def __init__(self, features: Sequence[Feature]) -> None:
        if not features:
            raise ValueError("a contract needs at least one feature")
        self.features = {feature.name: feature for feature in sorted(features, key=lambda feature: feature.name)}
        if len(self.features) != len(features):
            raise ValueError("a contract names each feature once")
        self._checkers = {name: feature.checker() for name, feature in self.features.items()}

    @classmethod
    def from_inputs(cls, inputs: Sequence[Mapping[str, Any]]) -> Contract:
        """The contract that `inputs` of a release.json say. Raises ValueError where they do not say one."""
        try:
            return cls(
                [
                    Feature(
                        name=one["name"],
                        kind=one["type"],
                        required=bool(one.get("required", False)),
                        low=one.get("min"),
                        high=one.get("max"),
                        values=frozenset(one["values"]) if one.get("values") else None,
                    )
                    for one in inputs
                ]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the release's inputs are not a list of features: {error!r}") from error

    def read_rows(self, rows: Any) -> Rows:
        """Holds a list of JSON objects to the contract. Raises Refused."""
        if not isinstance(rows, list) or not rows:
            raise Refused([Problem(None, "", "rows", "wants a list of at least one row")])
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Refused([Problem(number, "", "rows", f"wants an object of named features, got {_shown(row)}")])
        if unknown := [(number, name) for number, row in enumerate(rows) for name in row if name not in self.features]:
            raise Refused([self._unknown(name, number) for number, name in unknown[:MOST_PROBLEMS]])
        return self._read({name: [row.get(name) for row in rows] for name in self.features}, len(rows))

    def read_columns(self, columns: Mapping[str, Sequence[Any]]) -> Rows:
        """Holds columns, all of the same length, to the contract. Raises Refused."""
        if unknown := [name for name in columns if name not in self.features]:
            raise Refused([self._unknown(name, None) for name in unknown[:MOST_PROBLEMS]])
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths or not all(lengths.values()):
            raise Refused([Problem(None, "", "rows", "wants at least one row")])
        count = next(iter(lengths.values()))
        if other := next((name for name, length in lengths.items() if length != count), None):
            message = f"has {lengths[other]} values, where {next(iter(lengths))} has {count}"
            raise Refused([Problem(None, other, "rows", message)])
        absent = [None] * count
        return self._read({name: columns.get(name, absent) for name in self.features}, count)

    def _read(self, columns: Mapping[str, Sequence[Any]], count: int) -> Rows:
        try:
            checked = [list(map(self._checkers[name], values)) for name, values in columns.items()]
        except _Unfit:
            raise Refused(self._problems(columns, count)) from None
        examples = [example(entry for _, entry in row) for row in zip(*checked, strict=True)]
        return Rows(examples, {name: [value for value, _ in some] for name, some in zip(columns, checked, strict=True)})

    def _problems(self, columns: Mapping[str, Sequence[Any]], count: int) -> list[Problem]:
        found = []
        for row in range(count):
            for name, values in columns.items():
                try:
                    self._checkers[name](values[row])
                except _Unfit as unfit:
                    found.append(Problem(row, name, unfit.reason, str(unfit)))
            if len(found) >= MOST_PROBLEMS:
                break
        return found[:MOST_PROBLEMS]

    def _unknown(self, name: str, row: int | None) -> Problem:
        message = f"is not a feature of this model{_likely(name, self.features)}"
        return Problem(row, str(name), "unknown", message)

    def probe(self) -> Iterator[dict[str, Value]]:
        """Two rows that keep the contract: one with the required values alone, one with every value."""
        everything = {name: _some_value(feature) for name, feature in self.features.items()}
        yield {name: value for name, value in everything.items() if self.features[name].required}
        yield everything


def _some_value(feature: Feature) -> Value:
    if feature.kind == "bytes":
        return min(feature.values) if feature.values else "probe"
    low = feature.low if feature.low is not None else min(0.0, feature.high or 0.0)
    high = feature.high if feature.high is not None else max(low, 0.0)
    middle = (low + high) / 2
    return int(middle) if feature.kind == "int" else middle
