"""The input contract of a release: which features a row has, of which types and domains; and rows held to it.

A row that breaks it is refused before inference, by the feature's name. What is checked is what the curated schema
says of training data, so that a model is not asked about what it cannot have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving.examples import Value, example
from serving.features import Feature, Reason, Unfit, likely, shown, some_value
from serving.target import BINARY, Target

MOST_PROBLEMS = 20  # named in one answer


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
    """The features of a release, and what its answers mean. Thread-safe."""

    def __init__(self, features: Sequence[Feature], target: Target = BINARY) -> None:
        if not features:
            raise ValueError("a contract needs at least one feature")
        self.target = target
        self.features = {feature.name: feature for feature in sorted(features, key=lambda feature: feature.name)}
        if len(self.features) != len(features):
            raise ValueError("a contract names each feature once")
        self._checkers = {name: feature.checker() for name, feature in self.features.items()}

    @classmethod
    def from_inputs(cls, inputs: Sequence[Mapping[str, Any]], target: Target = BINARY) -> Contract:
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
                ],
                target,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the release's inputs are not a list of features: {error!r}") from error

    def read_rows(self, rows: Any) -> Rows:
        """Holds a list of JSON objects to the contract. Raises Refused."""
        if not isinstance(rows, list) or not rows:
            raise Refused([Problem(None, "", "rows", "wants a list of at least one row")])
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Refused([Problem(number, "", "rows", f"wants an object of named features, got {shown(row)}")])
        unknown = [(number, name) for number, row in enumerate(rows) for name in row if name not in self.features]
        columns = {name: [row.get(name) for row in rows] for name in self.features}
        return self._read(columns, len(rows), [self._unknown(name, number) for number, name in unknown])

    def read_columns(self, columns: Mapping[str, Sequence[Any]]) -> Rows:
        """Holds columns, all of the same length, to the contract. Raises Refused."""
        unknown = [self._unknown(name, None) for name in columns if name not in self.features]
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths or not all(lengths.values()):
            raise Refused([Problem(None, "", "rows", "wants at least one row")])
        count = next(iter(lengths.values()))
        if other := next((name for name, length in lengths.items() if length != count), None):
            message = f"has {lengths[other]} values, where {next(iter(lengths))} has {count}"
            raise Refused([Problem(None, other, "rows", message)])
        absent = [None] * count
        return self._read({name: columns.get(name, absent) for name in self.features}, count, unknown)

    def _read(self, columns: Mapping[str, Sequence[Any]], count: int, unknown: Sequence[Problem]) -> Rows:
        if unknown:
            raise Refused([*unknown, *self._problems(columns, count)][:MOST_PROBLEMS])
        try:
            checked = [list(map(self._checkers[name], values)) for name, values in columns.items()]
        except Unfit:
            raise Refused(self._problems(columns, count)) from None
        examples = [example(entry for _, entry in row) for row in zip(*checked, strict=True)]
        return Rows(examples, {name: [value for value, _ in some] for name, some in zip(columns, checked, strict=True)})

    def _problems(self, columns: Mapping[str, Sequence[Any]], count: int) -> list[Problem]:
        found = []
        for row in range(count):
            for name, values in columns.items():
                try:
                    self._checkers[name](values[row])
                except Unfit as unfit:
                    found.append(Problem(row, name, unfit.reason, str(unfit)))
            if len(found) >= MOST_PROBLEMS:
                break
        return found[:MOST_PROBLEMS]

    def _unknown(self, name: str, row: int | None) -> Problem:
        message = f"is not a feature of this model{likely(name, self.features)}"
        return Problem(row, str(name), "unknown", message)

    def probe(self) -> Iterator[dict[str, Value]]:
        """Two rows that keep the contract: one with the required values alone, one with every value."""
        everything = {name: some_value(feature) for name, feature in self.features.items()}
        yield {name: value for name, value in everything.items() if self.features[name].required}
        yield everything
