"""Candidate domains: what a column may hold, from what it held, with room for what a next delivery brings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.init.reading import Column

MOST_LISTED = 200  # values of a category that are written down
_CLOSED_VALUES, _CLOSED_ROWS = 20, 5
_LONGEST = 100  # characters of a value that is written down
_ROOM = 0.5  # of the range seen, beyond either end
_NEAR_ZERO = 2.0  # ranges: nothing negative seen, and no farther from zero than so many times the range
_INT64 = np.iinfo(np.int64)
_SPLIT = 3  # a split may hold a third of the rows: what it lacks varies with that
_SIGMAS, _LEEWAY = 4.0, 0.05


@dataclass(frozen=True)
class Range:
    """Smallest and largest number that may come."""

    low: float
    high: float


@dataclass(frozen=True)
class Values:
    """The texts that may come; open where others may, in a part of the rows."""

    values: tuple[str, ...]
    closed: bool


def domain_of(column: Column) -> Range | Values | None:
    """The candidate; None where there is none worth writing."""
    return _range(column) if column.is_number else _values(column)


def _range(column: Column) -> Range | None:
    low, high = float(column.values[0]), float(column.values[-1])
    if not math.isfinite(high - low):
        return None
    if column.kind == "int" and column.values.tolist() == [0, 1]:  # a flag, or a boolean of Parquet
        return Range(0.0, 1.0)
    span = high - low or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span))
    lowest = _rounded(math.floor((low - _ROOM * span) / unit) * unit)
    highest = _rounded(math.ceil((high + _ROOM * span) / unit) * unit)
    if low >= 0 and low <= _NEAR_ZERO * span:
        lowest = 0.0
    if column.kind == "int":
        lowest, highest = float(min(math.floor(lowest), low)), float(max(math.ceil(highest), high))
        if lowest < _INT64.min or highest > 2.0**53:  # beyond, a float no longer names every whole number
            return None
    return Range(lowest, highest) if math.isfinite(lowest) and math.isfinite(highest) else None


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def _values(column: Column) -> Values | None:
    texts = column.values.tolist()
    if len(texts) > MOST_LISTED or any(len(text) > _LONGEST or "�" in text for text in texts):
        return None
    return Values(tuple(texts), len(texts) <= _CLOSED_VALUES and int(column.counts.min()) >= _CLOSED_ROWS)


def least_present(column: Column) -> float:
    """The smallest share of rows with a value that is still no surprise, also in a third of the rows."""
    share = column.present / column.rows
    spread = _SIGMAS * math.sqrt(share * (1 - share) * _SPLIT / column.rows)
    return max(0.0, math.floor(100 * (share - max(spread, _LEEWAY))) / 100)
