"""Candidate domains: what a column may hold, from what it held, with room for what a next delivery brings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flightline.init.table_reader import Column

MAX_LISTED_VALUES = 200  # values of a category that are written down
_MAX_CLOSED_VALUES, _MIN_ROWS_PER_CLOSED_VALUE = 20, 5
_MAX_VALUE_CHARS = 100  # characters of a value that is written down
_RANGE_MARGIN = 0.5  # of the range seen, beyond either end
_MAX_ZERO_DISTANCE = 2.0  # ranges: nothing negative seen, and no farther from zero than so many times the range
_INT64 = np.iinfo(np.int64)
_SPLIT_DIVISOR = 3  # a split may hold a third of the rows: what it lacks varies with that
_STD_ERRORS, _MIN_PRESENCE_MARGIN = 4.0, 0.05


@dataclass(frozen=True)
class NumericRange:
    """Smallest and largest number that may come."""

    low: float
    high: float


@dataclass(frozen=True)
class ValueSet:
    """The texts that may come; open where others may, in a part of the rows."""

    values: tuple[str, ...]
    closed: bool


def propose_domain(column: Column) -> NumericRange | ValueSet | None:
    """The candidate; None where there is none worth writing."""
    return _propose_range(column) if column.is_number else _propose_values(column)


def _propose_range(column: Column) -> NumericRange | None:
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low):
        return None
    if column.kind == "int" and column.values.tolist() == [0, 1]:  # a flag, or a boolean of Parquet
        return NumericRange(0.0, 1.0)
    span = high - low or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span))
    lowest = _round_significant(math.floor((low - _RANGE_MARGIN * span) / unit) * unit)
    highest = _round_significant(math.ceil((high + _RANGE_MARGIN * span) / unit) * unit)
    if low >= 0 and low <= _MAX_ZERO_DISTANCE * span:
        lowest = 0.0
    if column.kind == "int":
        lowest, highest = float(min(math.floor(lowest), low)), float(max(math.ceil(highest), high))
        if lowest < _INT64.min or highest > 2.0**53:  # beyond, a float no longer names every whole number
            return None
    return NumericRange(lowest, highest) if math.isfinite(lowest) and math.isfinite(highest) else None


def _round_significant(number: float) -> float:
    return float(f"{number:.6g}")


def _propose_values(column: Column) -> ValueSet | None:
    texts = column.values.tolist()
    if len(texts) > MAX_LISTED_VALUES or any(len(text) > _MAX_VALUE_CHARS or "�" in text for text in texts):
        return None
    return ValueSet(
        tuple(texts), len(texts) <= _MAX_CLOSED_VALUES and int(column.counts.min()) >= _MIN_ROWS_PER_CLOSED_VALUE
    )


def min_presence(column: Column) -> float:
    """The smallest share of rows with a value that is still no surprise, also in a third of the rows."""
    share = column.present / column.rows
    spread = _STD_ERRORS * math.sqrt(share * (1 - share) * _SPLIT_DIVISOR / column.rows)
    return max(0.0, math.floor(100 * (share - max(spread, _MIN_PRESENCE_MARGIN))) / 100)
