"""What a column is for: a number, a category, or left out of the model, each time with the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from pipeline.init.association import Association
from pipeline.init.dates import a_date, dates_as_numbers
from pipeline.init.reading import Column
from pipeline.init.spelling import numbers_in_disguise

Reason = Literal["empty", "constant", "leak", "date", "spelling", "id", "text", "many values"]

# Names that ids have: a whole word of it, by itself or at the end.
_ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|row|rownames?|rownum|serial)$|[a-z]I[dD]$|^Unnamed", re.I)
_MOST_LOOKED_AT = 2_000  # distinct texts
_FEW_VALUES = 50  # a category with as many is no id, whatever each row has
_ROWS_A_VALUE = 5  # fewer, on average, teach a value nothing
_TEXT_LENGTH, _TEXT_WORDS = 25, 4.0
_NUMBERED = 1.5  # whole numbers that span at most so many times the rows are numbers of rows


@dataclass(frozen=True)
class Role:
    """What becomes of a column.

    Attributes:
        use: `number` and `category` go to the model, `excluded` does not.
        reason: why it is left out.
        evidence: what was seen, one sentence; of a column that is used, what may be amiss with it.
    """

    use: Literal["number", "category", "excluded"]
    reason: Reason | None = None
    evidence: str = ""


class Found(NamedTuple):
    """A reason to leave a column out: what was seen, and what makes use of it."""

    reason: Reason
    seen: str
    todo: str = ""


def role_of(column: Column, association: Association | None) -> Role:
    """The first of the reasons to leave a column out that holds, or how the model takes it.

    What tells the label is a leak before it is anything else: no advice how to make use of it.
    """
    found = next((found for finder in _FINDERS if (found := finder(column))), None)
    if association and association.gives_away:
        also = f"; also {found.reason}: {found.seen}" if found else ""
        told = f"alone it tells the label: {association.measure} {association.value:.4f} on rows held out"
        return Role("excluded", "leak", told + also)
    if found:
        return Role("excluded", found.reason, _evidence(found, association))
    return Role("number" if column.is_number else "category", evidence=_amiss(column))


def _evidence(found: Found, association: Association | None) -> str:
    if association and association.strong:
        alone = f"strong by itself ({association.measure} {association.value:.3f}): is it known before the label is?"
        return f"{found.seen}; {alone}" + (f" Only then: {found.todo}" if found.todo else "")
    return "; ".join(filter(None, (found.seen, found.todo)))


def _amiss(column: Column) -> str:
    if column.padded:
        return "written with leading zeros: a code, no amount? Then name it in features.categorical"
    return "; ".join(numbers_in_disguise(column) or ())


def _empty(column: Column) -> Found | None:
    return None if column.distinct else Found("empty", f"no value in {column.rows:,} rows")


def _constant(column: Column) -> Found | None:
    if column.distinct > 1 or column.missing:
        return None  # one value or none: that it is missing may say something
    return Found("constant", f"the same value in every row: {shown(column.values[0])}")


def _date(column: Column) -> Found | None:
    date = "" if column.is_number else a_date(_some(column))
    seen = f"dates or times, such as {shown(date)}" if date else dates_as_numbers(column)
    return Found("date", seen, "spell out what matters of them (hour, weekday, age) as numbers") if seen else None


def _id(column: Column) -> Found | None:
    if column.kind == "float" or column.distinct <= min(_FEW_VALUES, column.rows // 2):
        return None
    unique = column.distinct == column.present
    named = _ID_NAME.search(column.name) is not None
    if unique and (named or _numbered(column) or (not column.is_number and not _is_text(column))):
        kind = "numbered row by row, " if _numbered(column) else ""
        return Found("id", f"{kind}a value of its own in each of {column.present:,} rows")
    if named and column.distinct > _FEW_VALUES:
        each = column.present / column.distinct
        return Found("id", f"named as an id; {column.distinct:,} values, {each:.1f} rows each")
    return None


def _numbered(column: Column) -> bool:
    """Whether a column of whole numbers numbers the rows: hardly a gap between them."""
    if column.kind != "int":
        return False
    return int(column.values[-1]) - int(column.values[0]) < _NUMBERED * column.present


def _text(column: Column) -> Found | None:
    if column.is_number or column.distinct <= min(_FEW_VALUES, column.rows // 4) or not _is_text(column):
        return None
    words = np.mean([len(text.split()) for text in column.values[:_MOST_LOOKED_AT]])
    return Found(
        "text",
        f"free text, {words:.0f} words on average: the model reads no language",
        "say what counts in it as columns of their own",
    )


def _is_text(column: Column) -> bool:
    texts = _some(column)
    lengths, words = [len(text) for text in texts], [len(text.split()) for text in texts]
    return bool(np.mean(lengths) >= _TEXT_LENGTH and np.mean(words) >= _TEXT_WORDS)


def _many_values(column: Column) -> Found | None:
    if column.is_number or column.distinct <= _FEW_VALUES:
        return None
    each = column.present / column.distinct
    if each >= _ROWS_A_VALUE and column.distinct <= max(1000, column.rows // 100):
        return None
    return Found("many values", f"{column.distinct:,} values, {each:.1f} rows each: too few to learn from")


def _disguised(column: Column) -> Found | None:
    """What is of no use as text, and would be numbers."""
    if _ID_NAME.search(column.name) or not (_id(column) or _many_values(column)):
        return None
    disguise = numbers_in_disguise(column)
    return Found("spelling", *disguise) if disguise else None


_FINDERS = (_empty, _constant, _date, _disguised, _id, _text, _many_values)


def _some(column: Column) -> list[str]:
    """Texts from all over the column."""
    return list(column.values[:: max(1, column.distinct // _MOST_LOOKED_AT)])


def shown(value: object) -> str:
    """A value as evidence shows it: one line, cut short."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text if text.isprintable() else " ".join(text.split())
    return repr(text if len(text) <= 40 else text[:39] + "…") if isinstance(value, str) else text
