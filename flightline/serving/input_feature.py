"""What a model reads: the types of columns, and the bounds of each input, as release.json has them.

The schema says them, a release carries them, and both the server and batch scoring check rows against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

ColumnType = Literal["int", "float", "bytes"]
COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)
"""From narrow to wide: every int is a float, and every value is text."""

MAX_INTEGRAL_FLOAT = 1 << 53
"""An int may be written as a float (`12.0`) up to here: every integer below has a float64 of its own."""

AnyInputFeature = TypeVar("AnyInputFeature", bound="InputFeature")


@dataclass(frozen=True)
class InputFeature:
    """One input of a model.

    Attributes:
        required: whether a row must have a value.
        low, high: smallest and largest value; None where there is no bound.
        values: the texts that are allowed; None where every text is.
    """

    name: str
    kind: ColumnType
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.kind not in COLUMN_TYPES:
            raise ValueError(f"feature {self.name!r} is of type {self.kind!r}, not one of {', '.join(COLUMN_TYPES)}")

    @classmethod
    def from_json(cls: type[AnyInputFeature], entry: Mapping[str, Any]) -> AnyInputFeature:
        """Read an entry of `inputs` in release.json.

        Raises:
            ValueError, KeyError, TypeError: it is not such an entry.
        """
        return cls(
            name=entry["name"],
            kind=entry["type"],
            required=bool(entry.get("required", False)),
            low=entry.get("min"),
            high=entry.get("max"),
            values=frozenset(entry["values"]) if entry.get("values") else None,
        )

    def to_json(self) -> dict[str, Any]:
        """The entry in release.json: {"name", "type", "required", "min"?, "max"?, "values"?}."""
        entry: dict[str, Any] = {"name": self.name, "type": self.kind, "required": self.required}
        bounds = {"min": self.low, "max": self.high, "values": sorted(self.values) if self.values else None}
        return entry | {key: bound for key, bound in bounds.items() if bound is not None}
