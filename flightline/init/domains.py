"""Propose domains: the values that a column may have, with a margin for future data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flightline.init.table_reader import Column

MAX_LISTED_VALUES = 200  # a category with more values gets no domain
_MAX_CLOSED_VALUES, _MIN_ROWS_PER_CLOSED_VALUE = 20, 5
_MAX_VALUE_CHARS = 100  # a category with longer values gets no domain
_RANGE_MARGIN = 0.5  # of the observed range, added at either end
_MAX_ZERO_DISTANCE = 2.0  # in ranges: how close to zero the smallest positive value is for 0 to be the lower bound
_INT64 = np.iinfo(np.int64)
_SPLIT_DIVISOR = 3  # a split may have a third of the rows, and so more chance variation
_STD_ERRORS, _MIN_PRESENCE_MARGIN = 4.0, 0.05


@dataclass(frozen=True)
class NumericRange:
    """The smallest and the largest allowed number."""

    low: float
    high: float


@dataclass(frozen=True)
class ValueSet:
    """The known texts. If the set is not closed, a part of the rows may have other texts."""

    values: tuple[str, ...]
    closed: bool


def propose_domain(column: Column) -> NumericRange | ValueSet | None:
    """The proposed domain; None if there is no useful one."""
    return _propose_range(column) if column.is_number else _propose_values(column)


def _propose_range(column: Column) -> NumericRange | None:
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low):
        return None
    if column.kind == "int" and column.values.tolist() == [0, 1]:  # a flag, or a Parquet boolean
        return NumericRange(0.0, 1.0)
    span = high - low or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span))
    lowest = _round_significant(math.floor((low - _RANGE_MARGIN * span) / unit) * unit)
    highest = _round_significant(math.ceil((high + _RANGE_MARGIN * span) / unit) * unit)
    if low >= 0 and low <= _MAX_ZERO_DISTANCE * span:
        lowest = 0.0
    if column.kind == "int":
        lowest, highest = float(min(math.floor(lowest), low)), float(max(math.ceil(highest), high))
        if lowest < _INT64.min or highest > 2.0**53:  # beyond that, floats cannot represent every whole number
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
    """The smallest share of rows with a value that may occur by chance in a third of the rows."""
    share = column.present / column.rows
    chance = _STD_ERRORS * math.sqrt(share * (1 - share) * _SPLIT_DIVISOR / column.rows)
    return max(0.0, math.floor(100 * (share - max(chance, _MIN_PRESENCE_MARGIN))) / 100)
