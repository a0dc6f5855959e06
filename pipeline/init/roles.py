"""What a column is for: a number, a category, or left out of the model, each time with the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from pipeline.init.association import Association
from pipeline.init.reading import Column

Reason = Literal["empty", "constant", "id", "date", "text", "many values", "leak"]

# Names that ids have: a whole word of it, by itself or at the end.
_ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|row|rownames?|rownum|serial)$|[a-z]I[dD]$|^Unnamed", re.I)
_TIME_NAME = re.compile(r"(^|[_\W])(date|time|timestamp|datetime|ts|epoch|at|on)($|[_\W])", re.I)
_DATE = re.compile(
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})"
    r"([T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*(Z|UTC|[AaPp][Mm]|[-+]\d{2}:?\d{2})?\s*$"
    r"|^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*$"
)
_MOST_LOOKED_AT = 2_000  # distinct texts
_MOSTLY = 0.95
_FEW_VALUES = 50  # a category with as many is no id, whatever each row has
_ROWS_A_VALUE = 5  # fewer, on average, teach a value nothing
_TEXT_LENGTH, _TEXT_WORDS = 25, 4.0
_EPOCHS = ((10**8, 4 * 10**9), (10**11, 4 * 10**12))  # seconds, milliseconds since 1970
_NUMBERED = 1.5  # whole numbers that span at most so many times the rows are numbers of rows


@dataclass(frozen=True)
class Role:
    """What becomes of a column.

    Attributes:
        use: `number` and `category` go to the model, `excluded` does not.
        reason: why it is left out.
        evidence: what was seen, one sentence.
    """

    use: Literal["number", "category", "excluded"]
    reason: Reason | None = None
    evidence: str = ""


def role_of(column: Column, association: Association | None) -> Role:
    """The first of the reasons to leave a column out that holds, or how the model takes it."""
    for finder in (_empty, _constant, _date, _id, _text, _many_values):
        if found := finder(column):
            return found
    if association and association.gives_away:
        evidence = f"alone it tells the label: {association.measure} {association.value:.4f} on rows held out"
        return Role("excluded", "leak", evidence)
    return Role("number" if column.is_number else "category")


def _empty(column: Column) -> Role | None:
    return None if column.distinct else Role("excluded", "empty", f"no value in {column.rows:,} rows")


def _constant(column: Column) -> Role | None:
    if column.distinct > 1 or column.missing:
        return None  # one value or none: that it is missing may say something
    return Role("excluded", "constant", f"the same value in every row: {shown(column.values[0])}")


def _date(column: Column) -> Role | None:
    if column.is_number:
        return _date_of_number(column)
    texts = column.values[:: max(1, column.distinct // _MOST_LOOKED_AT)]
    dates = sum(bool(_DATE.match(text)) for text in texts)
    if dates < _MOSTLY * len(texts):
        return None
    evidence = (
        f"dates or times, such as {shown(texts[0])}; spell out what matters of them (hour, weekday, age) as numbers"
    )
    return Role("excluded", "date", evidence)


def _date_of_number(column: Column) -> Role | None:
    if column.kind != "int":
        return None
    low, high = int(column.values[0]), int(column.values[-1])
    if low >= 19000101 and high <= 21001231 and all(_is_yyyymmdd(int(v)) for v in column.values[:_MOST_LOOKED_AT]):
        return Role("excluded", "date", f"dates written as YYYYMMDD, {low} to {high}")
    if _TIME_NAME.search(column.name) and any(start <= low and high <= end for start, end in _EPOCHS):
        return Role("excluded", "date", f"seconds or milliseconds since 1970, by its name and range ({low} to {high})")
    return None


def _is_yyyymmdd(number: int) -> bool:
    try:
        date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return True


def _id(column: Column) -> Role | None:
    if column.kind == "float" or column.distinct <= min(_FEW_VALUES, column.rows // 2):
        return None
    unique = column.distinct == column.present
    named = _ID_NAME.search(column.name) is not None
    if unique and (named or _numbered(column) or (not column.is_number and not _is_text(column))):
        kind = "numbered row by row, " if _numbered(column) else ""
        return Role("excluded", "id", f"{kind}a value of its own in each of {column.present:,} rows")
    if named and column.distinct > _FEW_VALUES:
        each = column.present / column.distinct
        return Role("excluded", "id", f"named as an id; {column.distinct:,} values, {each:.1f} rows each")
    return None


def _numbered(column: Column) -> bool:
    """Whether a column of whole numbers numbers the rows: hardly a gap between them."""
    if column.kind != "int":
        return False
    return int(column.values[-1]) - int(column.values[0]) < _NUMBERED * column.present


def _text(column: Column) -> Role | None:
    if column.is_number or column.distinct <= min(_FEW_VALUES, column.rows // 4) or not _is_text(column):
        return None
    words = np.mean([len(text.split()) for text in column.values[:_MOST_LOOKED_AT]])
    return Role(
        "excluded",
        "text",
        f"free text, {words:.0f} words on average: the model reads no language; say what counts in it",
    )


def _is_text(column: Column) -> bool:
    texts = column.values[:: max(1, column.distinct // _MOST_LOOKED_AT)]
    lengths, words = [len(text) for text in texts], [len(text.split()) for text in texts]
    return bool(np.mean(lengths) >= _TEXT_LENGTH and np.mean(words) >= _TEXT_WORDS)


def _many_values(column: Column) -> Role | None:
    if column.is_number or column.distinct <= _FEW_VALUES:
        return None
    each = column.present / column.distinct
    if each >= _ROWS_A_VALUE and column.distinct <= max(1000, column.rows // 100):
        return None
    return Role("excluded", "many values", f"{column.distinct:,} values, {each:.1f} rows each: too few to learn from")


def shown(value: object) -> str:
    """A value as evidence shows it: one line, cut short."""
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return repr(text if len(text) <= 40 else text[:39] + "…") if isinstance(value, str) else text
