"""Detect dates and times in texts and whole numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from flightline.init.table_reader import Column

_YEAR = r"(?:19|20)\d{2}"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)[a-zä]{0,7}\.?"
_DATE_PATTERN = re.compile(
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}"
    rf"|{_MONTH} \d{{1,2}},? {_YEAR}|\d{{1,2}}\.? {_MONTH},? {_YEAR})"
    r"([T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*(Z|UTC|[AaPp][Mm]|[-+]\d{2}:?\d{2})?\s*$"
    r"|^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*$"
    rf"|^\s*({_YEAR}-?W\d{{2}}(-?\d)?|{_YEAR}[-/](0[1-9]|1[0-2])|{_MONTH}[ -]{_YEAR})\s*$"
    rf"|^\s*({_YEAR}[- ]?Q[1-4]|Q[1-4][- /]{_YEAR})\s*$",
    re.I,
)
_TIME_NAME_PATTERN = re.compile(r"(^|[_\W])(date|time|timestamp|datetime|ts|epoch|at|on)($|[_\W])", re.I)
_EPOCH_RANGES = ((10**8, 4 * 10**9), (10**11, 4 * 10**12))  # seconds, milliseconds since 1970
_MAX_VALUES_CHECKED = 2_000  # distinct values
_MIN_MATCH_SHARE = 0.95


def date_example(texts: Sequence[str]) -> str:
    """The first date or time if nearly all of the texts are dates or times; otherwise empty."""
    dates = [text for text in texts if _DATE_PATTERN.match(text)]
    return dates[0] if dates and len(dates) >= _MIN_MATCH_SHARE * len(texts) else ""


def describe_numeric_dates(column: Column) -> str:
    """A description of whole numbers that are dates or times; empty for other columns."""
    if column.kind != "int":
        return ""
    low, high = int(column.values[0]), int(column.values[-1])
    if low >= 19000101 and high <= 21001231 and all(_is_yyyymmdd(int(v)) for v in column.values[:_MAX_VALUES_CHECKED]):
        return f"dates written as YYYYMMDD, {low} to {high}"
    if _TIME_NAME_PATTERN.search(column.name) and any(start <= low and high <= end for start, end in _EPOCH_RANGES):
        return f"seconds or milliseconds since 1970, judging by the name and the range ({low} to {high})"
    return ""


def _is_yyyymmdd(number: int) -> bool:
    try:
        date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return True
