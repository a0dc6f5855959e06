"""The input contract of a release: which features a row has, of which types and domains; and rows held to it.

A row that breaks it is refused before inference, by the feature's name. What is checked is what the curated schema
says of training data, so that a model is not asked about what it cannot have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flightline.serving.example_encoder import Value, encode_example
from flightline.serving.features import (
    Feature,
    InvalidReason,
    InvalidValue,
    describe_json_value,
    did_you_mean,
    sample_value,
)
from flightline.serving.target import BINARY_TARGET, Target

MAX_PROBLEMS = 20  # named in one answer


@dataclass(frozen=True)
class RowProblem:
    """Why a row is refused. `row` counts from 0; it is None where the whole request is at fault."""

    row: int | None
    feature: str
    reason: InvalidReason
    message: str

    def __str__(self) -> str:
        where = "" if self.row is None else f"row {self.row}: "
        return f"{where}{self.feature}: {self.message}" if self.feature else f"{where}{self.message}"


class ContractViolation(ValueError):
    """A request that breaks the contract."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = list(problems)


@dataclass(frozen=True)
class ValidatedRows:
    """The rows of a request, ready for the model and for the log.

    Attributes:
        examples: serialized tf.Examples, in the order of the request.
        columns: feature → its values, None where missing.
    """

    examples: list[bytes]
    columns: dict[str, list[Value | None]] = field(repr=False)


class Contract:
    """The features of a release, and what its answers mean. Thread-safe."""

    def __init__(self, features: Sequence[Feature], target: Target = BINARY_TARGET) -> None:
        if not features:
            raise ValueError("a contract needs at least one feature")
        self.target = target
        self.features = {feature.name: feature for feature in sorted(features, key=lambda feature: feature.name)}
        if len(self.features) != len(features):
            raise ValueError("a contract names each feature once")
        self._checkers = {name: feature.checker() for name, feature in self.features.items()}

    @classmethod
    def from_inputs(cls, inputs: Sequence[Mapping[str, Any]], target: Target = BINARY_TARGET) -> Contract:
        """Read the contract from `inputs` of a release.json. Raises ValueError where they are not valid."""
        try:
            return cls([Feature.from_json(entry) for entry in inputs], target)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the release's inputs are not a list of features: {error!r}") from error

    def read_rows(self, rows: Any) -> ValidatedRows:
        """Holds a list of JSON objects to the contract. Raises Refused."""
        if not isinstance(rows, list) or not rows:
            raise ContractViolation([RowProblem(None, "", "rows", "wants a list of at least one row")])
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise ContractViolation(
                    [
                        RowProblem(
                            number, "", "rows", f"wants an object of named features, got {describe_json_value(row)}"
                        )
                    ]
                )
        unknown = [(number, name) for number, row in enumerate(rows) for name in row if name not in self.features]
        columns = {name: [row.get(name) for row in rows] for name in self.features}
        return self._read(columns, len(rows), [self._unknown(name, number) for number, name in unknown])

    def read_columns(self, columns: Mapping[str, Sequence[Any]]) -> ValidatedRows:
        """Holds columns, all of the same length, to the contract. Raises Refused."""
        unknown = [self._unknown(name, None) for name in columns if name not in self.features]
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths or not all(lengths.values()):
            raise ContractViolation([RowProblem(None, "", "rows", "wants at least one row")])
        count = next(iter(lengths.values()))
        if other := next((name for name, length in lengths.items() if length != count), None):
            message = f"has {lengths[other]} values, where {next(iter(lengths))} has {count}"
            raise ContractViolation([RowProblem(None, other, "rows", message)])
        absent = [None] * count
        return self._read({name: columns.get(name, absent) for name in self.features}, count, unknown)

    def _read(self, columns: Mapping[str, Sequence[Any]], count: int, unknown: Sequence[RowProblem]) -> ValidatedRows:
        if unknown:
            raise ContractViolation([*unknown, *self._problems(columns, count)][:MAX_PROBLEMS])
        try:
            checked = [list(map(self._checkers[name], values)) for name, values in columns.items()]
        except InvalidValue:
            raise ContractViolation(self._problems(columns, count)) from None
        examples = [encode_example(entry for _, entry in row) for row in zip(*checked, strict=True)]
        return ValidatedRows(
            examples, {name: [value for value, _ in some] for name, some in zip(columns, checked, strict=True)}
        )

    def _problems(self, columns: Mapping[str, Sequence[Any]], count: int) -> list[RowProblem]:
        found = []
        for row in range(count):
            for name, values in columns.items():
                try:
                    self._checkers[name](values[row])
                except InvalidValue as unfit:
                    found.append(RowProblem(row, name, unfit.reason, str(unfit)))
            if len(found) >= MAX_PROBLEMS:
                break
        return found[:MAX_PROBLEMS]

    def _unknown(self, name: str, row: int | None) -> RowProblem:
        message = f"is not a feature of this model{did_you_mean(name, self.features)}"
        return RowProblem(row, str(name), "unknown", message)

    def probe(self) -> Iterator[dict[str, Value]]:
        """Two rows that keep the contract: one with the required values alone, one with every value."""
        everything = {name: sample_value(feature) for name, feature in self.features.items()}
        yield {name: value for name, value in everything.items() if self.features[name].required}
        yield everything
