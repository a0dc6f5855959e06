"""The input contract of a release: the features of a row, their types and domains; and the validation of rows.

A row that violates the contract is rejected before inference, with the feature's name. The contract comes from the
curated schema of the training data, so the model is not given values that it cannot have seen in training.
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

MAX_PROBLEMS = 20  # reported in one response


@dataclass(frozen=True)
class RowProblem:
    """Why a row is rejected. `row` counts from 0; it is None if the problem is the request as a whole."""

    row: int | None
    feature: str
    reason: InvalidReason
    message: str

    def __str__(self) -> str:
        where = "" if self.row is None else f"row {self.row}: "
        return f"{where}{self.feature}: {self.message}" if self.feature else f"{where}{self.message}"


class ContractViolation(ValueError):
    """A request violates the contract."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = list(problems)


@dataclass(frozen=True)
class ValidatedRows:
    """The rows of a request, ready for the model and for the log.

    Attributes:
        examples: serialized tf.Examples, in the order of the request.
        columns: feature → [rows] values, None for missing ones.
    """

    examples: list[bytes]
    columns: dict[str, list[Value | None]] = field(repr=False)


class Contract:
    """The features of a release, and the meaning of its predictions. Thread-safe."""

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
        """The contract in `inputs` of a release.json.

        Raises:
            ValueError: `inputs` is not a list of features.
        """
        try:
            return cls([Feature.from_json(entry) for entry in inputs], target)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the release's inputs are not a list of features: {error!r}") from error

    def read_rows(self, rows: Any) -> ValidatedRows:
        """Validate a list of JSON objects.

        Raises:
            ContractViolation: the rows violate the contract.
        """
        if not isinstance(rows, list) or not rows:
            raise ContractViolation([RowProblem(None, "", "invalid_shape", "expected a list of at least one row")])
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise ContractViolation(
                    [
                        RowProblem(
                            number,
                            "",
                            "invalid_shape",
                            f"expected an object of features, got {describe_json_value(row)}",
                        )
                    ]
                )
        unknown = [(number, name) for number, row in enumerate(rows) for name in row if name not in self.features]
        columns = {name: [row.get(name) for row in rows] for name in self.features}
        return self._read(columns, len(rows), [self._unknown(name, number) for number, name in unknown])

    def read_columns(self, columns: Mapping[str, Sequence[Any]]) -> ValidatedRows:
        """Validate columns of the same length.

        Raises:
            ContractViolation: the columns violate the contract.
        """
        unknown = [self._unknown(name, None) for name in columns if name not in self.features]
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths or not all(lengths.values()):
            raise ContractViolation([RowProblem(None, "", "invalid_shape", "expected at least one row")])
        count = next(iter(lengths.values()))
        if other := next((name for name, length in lengths.items() if length != count), None):
            message = f"has {lengths[other]} values, but {next(iter(lengths))} has {count}"
            raise ContractViolation([RowProblem(None, other, "invalid_shape", message)])
        missing = [None] * count
        return self._read({name: columns.get(name, missing) for name in self.features}, count, unknown)

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
                except InvalidValue as error:
                    found.append(RowProblem(row, name, error.reason, str(error)))
            if len(found) >= MAX_PROBLEMS:
                break
        return found[:MAX_PROBLEMS]

    def _unknown(self, name: str, row: int | None) -> RowProblem:
        message = f"is not a feature of this model{did_you_mean(name, self.features)}"
        return RowProblem(row, str(name), "unknown_feature", message)

    def probe(self) -> Iterator[dict[str, Value]]:
        """Two valid rows: one with the required values only, one with all values."""
        complete = {name: sample_value(feature) for name, feature in self.features.items()}
        yield {name: value for name, value in complete.items() if self.features[name].required}
        yield complete
