"""What a column is for: a number, a category, or left out of the model, each time with the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from flightline.init.association import Association
from flightline.init.dates import date_example, describe_numeric_dates
from flightline.init.table_reader import Column
from flightline.init.text_numbers import describe_text_numbers

Reason = Literal["empty", "constant", "leak", "date", "spelling", "id", "text", "many values"]

# Names that ids have: a whole word of it, by itself or at the end.
_ID_NAME_PATTERN = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|index|row|rownames?|rownum|serial)$|[a-z]I[dD]$|^Unnamed", re.I
)
_MAX_VALUES_CHECKED = 2_000  # distinct texts
_MAX_CATEGORY_VALUES = 50  # a category with as many is no id, whatever each row has
_MIN_ROWS_PER_VALUE = 5  # fewer, on average, teach a value nothing
_MIN_TEXT_CHARS, _MIN_TEXT_WORDS = 25, 4.0
_MAX_ROW_NUMBER_SPAN = 1.5  # whole numbers that span at most so many times the rows are numbers of rows


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


class Exclusion(NamedTuple):
    """A reason to leave a column out: what was seen, and what makes use of it."""

    reason: Reason
    seen: str
    todo: str = ""


def choose_role(column: Column, association: Association | None) -> Role:
    """The first of the reasons to leave a column out that holds, or how the model takes it.

    What tells the label is a leak before it is anything else: no advice how to make use of it.
    """
    found = next((found for finder in _EXCLUSION_RULES if (found := finder(column))), None)
    if association and association.is_leak:
        also = f"; also {found.reason}: {found.seen}" if found else ""
        told = f"alone it tells the label: {association.measure} {association.value:.4f} on rows held out"
        return Role("excluded", "leak", told + also)
    if found:
        return Role("excluded", found.reason, _evidence(found, association))
    return Role("number" if column.is_number else "category", evidence=_usage_warning(column))


def _evidence(found: Exclusion, association: Association | None) -> str:
    if association and association.strong:
        alone = f"strong by itself ({association.measure} {association.value:.3f}): is it known before the label is?"
        return f"{found.seen}; {alone}" + (f" Only then: {found.todo}" if found.todo else "")
    return "; ".join(filter(None, (found.seen, found.todo)))


def _usage_warning(column: Column) -> str:
    if column.has_leading_zeros:
        return "written with leading zeros: a code, no amount? Then name it in features.categorical"
    return "; ".join(describe_text_numbers(column) or ())


def _find_empty(column: Column) -> Exclusion | None:
    return None if column.distinct else Exclusion("empty", f"no value in {column.rows:,} rows")


def _find_constant(column: Column) -> Exclusion | None:
    if column.distinct > 1 or column.missing:
        return None  # one value or none: that it is missing may say something
    return Exclusion("constant", f"the same value in every row: {format_value(column.values[0])}")


def _find_date(column: Column) -> Exclusion | None:
    date = "" if column.is_number else date_example(_sample_values(column))
    seen = f"dates or times, such as {format_value(date)}" if date else describe_numeric_dates(column)
    return Exclusion("date", seen, "spell out what matters of them (hour, weekday, age) as numbers") if seen else None


def _find_id(column: Column) -> Exclusion | None:
    if column.kind == "float" or column.distinct <= min(_MAX_CATEGORY_VALUES, column.rows // 2):
        return None
    unique = column.distinct == column.present
    named = _ID_NAME_PATTERN.search(column.name) is not None
    if unique and (named or _is_row_number(column) or (not column.is_number and not _is_free_text(column))):
        kind = "numbered row by row, " if _is_row_number(column) else ""
        return Exclusion("id", f"{kind}a value of its own in each of {column.present:,} rows")
    if named and column.distinct > _MAX_CATEGORY_VALUES:
        each = column.present / column.distinct
        return Exclusion("id", f"named as an id; {column.distinct:,} values, {each:.1f} rows each")
    return None


def _is_row_number(column: Column) -> bool:
    """Whether a column of whole numbers numbers the rows: hardly a gap between them."""
    if column.kind != "int":
        return False
    return int(column.values[-1]) - int(column.values[0]) < _MAX_ROW_NUMBER_SPAN * column.present


def _find_text(column: Column) -> Exclusion | None:
    if column.is_number or column.distinct <= min(_MAX_CATEGORY_VALUES, column.rows // 4) or not _is_free_text(column):
        return None
    words = np.mean([len(text.split()) for text in column.values[:_MAX_VALUES_CHECKED]])
    return Exclusion(
        "text",
        f"free text, {words:.0f} words on average: the model reads no language",
        "say what counts in it as columns of their own",
    )


def _is_free_text(column: Column) -> bool:
    texts = _sample_values(column)
    lengths, words = [len(text) for text in texts], [len(text.split()) for text in texts]
    return bool(np.mean(lengths) >= _MIN_TEXT_CHARS and np.mean(words) >= _MIN_TEXT_WORDS)


def _find_many_values(column: Column) -> Exclusion | None:
    if column.is_number or column.distinct <= _MAX_CATEGORY_VALUES:
        return None
    each = column.present / column.distinct
    if each >= _MIN_ROWS_PER_VALUE and column.distinct <= max(1000, column.rows // 100):
        return None
    return Exclusion("many values", f"{column.distinct:,} values, {each:.1f} rows each: too few to learn from")


def _find_numbers_as_text(column: Column) -> Exclusion | None:
    """What is of no use as text, and would be numbers."""
    if _ID_NAME_PATTERN.search(column.name) or not (_find_id(column) or _find_many_values(column)):
        return None
    disguise = describe_text_numbers(column)
    return Exclusion("spelling", *disguise) if disguise else None


_EXCLUSION_RULES = (
    _find_empty,
    _find_constant,
    _find_date,
    _find_numbers_as_text,
    _find_id,
    _find_text,
    _find_many_values,
)


def _sample_values(column: Column) -> list[str]:
    """Texts from all over the column."""
    return list(column.values[:: max(1, column.distinct // _MAX_VALUES_CHECKED)])


def format_value(value: object) -> str:
    """A value as evidence shows it: one line, cut short."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text if text.isprintable() else " ".join(text.split())
    return repr(text if len(text) <= 40 else text[:39] + "…") if isinstance(value, str) else text
