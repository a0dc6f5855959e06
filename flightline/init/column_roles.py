"""The use of a column: number, category, or excluded from the model, with the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from flightline.init.association import Association
from flightline.init.dates import date_example, describe_numeric_dates
from flightline.init.table_reader import Column
from flightline.init.text_numbers import describe_text_numbers

Reason = Literal["empty", "constant", "leak", "date", "number format", "id", "text", "too many values"]

# Names of id columns: one of these words alone or at the end.
_ID_NAME_PATTERN = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|index|row|rownames?|rownum|serial)$|[a-z]I[dD]$|^Unnamed", re.I
)
_MAX_VALUES_CHECKED = 2_000  # distinct texts
_MAX_CATEGORY_VALUES = 50  # a column with at most that many values is a category, not an id
_MIN_ROWS_PER_VALUE = 5  # on average; with fewer, the model learns nothing about a value
_MIN_TEXT_CHARS, _MIN_TEXT_WORDS = 25, 4.0
_MAX_ROW_NUMBER_SPAN = 1.5  # unique whole numbers with a range of up to that many times the rows number the rows


@dataclass(frozen=True)
class Role:
    """The use of a column.

    Attributes:
        use: `number` and `category` are used by the model, `excluded` is not.
        reason: why it is excluded.
        evidence: what was found, one sentence; for a used column, what to check about it.
    """

    use: Literal["number", "category", "excluded"]
    reason: Reason | None = None
    evidence: str = ""


class Exclusion(NamedTuple):
    """A reason to exclude a column, the evidence, and how to make it usable."""

    reason: Reason
    evidence: str
    advice: str = ""


def choose_role(column: Column, association: Association | None) -> Role:
    """The first reason to exclude a column that applies, or how the model uses it.

    A leak comes before every other reason, so that no advice is given on how to use it.
    """
    found = next((found for finder in _EXCLUSION_RULES if (found := finder(column))), None)
    if association and association.is_leak:
        also = f"; also {found.reason}: {found.evidence}" if found else ""
        evidence = f"it predicts the label alone: {association.measure} {association.value:.4f} on held-out rows"
        return Role("excluded", "leak", evidence + also)
    if found:
        return Role("excluded", found.reason, _evidence(found, association))
    return Role("number" if column.is_number else "category", evidence=_usage_warning(column))


def _evidence(found: Exclusion, association: Association | None) -> str:
    if association and association.strong:
        alone = f"strong alone ({association.measure} {association.value:.3f}): is it known before the label?"
        return f"{found.evidence}; {alone}" + (f" If so: {found.advice}" if found.advice else "")
    return "; ".join(filter(None, (found.evidence, found.advice)))


def _usage_warning(column: Column) -> str:
    if column.has_leading_zeros:
        return "written with leading zeros: if it is a code, add it to features.categorical"
    return "; ".join(describe_text_numbers(column) or ())


def _find_empty(column: Column) -> Exclusion | None:
    return None if column.distinct else Exclusion("empty", f"no value in {column.rows:,} rows")


def _find_constant(column: Column) -> Exclusion | None:
    if column.distinct > 1 or column.missing:
        return None  # whether a value is missing may be informative
    return Exclusion("constant", f"the same value in every row: {format_value(column.values[0])}")


def _find_date(column: Column) -> Exclusion | None:
    date = "" if column.is_number else date_example(_sample_values(column))
    evidence = f"dates or times, such as {format_value(date)}" if date else describe_numeric_dates(column)
    return Exclusion("date", evidence, "add what matters (hour, weekday, age) as number columns") if evidence else None


def _find_id(column: Column) -> Exclusion | None:
    if column.kind == "float" or column.distinct <= min(_MAX_CATEGORY_VALUES, column.rows // 2):
        return None
    unique = column.distinct == column.present
    named = _ID_NAME_PATTERN.search(column.name) is not None
    if unique and (named or _is_row_number(column) or (not column.is_number and not _is_free_text(column))):
        kind = "a row number, " if _is_row_number(column) else ""
        return Exclusion("id", f"{kind}a unique value in each of {column.present:,} rows")
    if named and column.distinct > _MAX_CATEGORY_VALUES:
        each = column.present / column.distinct
        return Exclusion("id", f"named like an id; {column.distinct:,} values with {each:.1f} rows each")
    return None


def _is_row_number(column: Column) -> bool:
    """Whether a column of unique whole numbers numbers the rows, with few gaps."""
    if column.kind != "int":
        return False
    return int(column.values[-1]) - int(column.values[0]) < _MAX_ROW_NUMBER_SPAN * column.present


def _find_text(column: Column) -> Exclusion | None:
    if column.is_number or column.distinct <= min(_MAX_CATEGORY_VALUES, column.rows // 4) or not _is_free_text(column):
        return None
    words = np.mean([len(text.split()) for text in column.values[:_MAX_VALUES_CHECKED]])
    return Exclusion(
        "text",
        f"free text, {words:.0f} words on average, which the model cannot use",
        "add what matters in it as separate columns",
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
    return Exclusion("too many values", f"{column.distinct:,} values with {each:.1f} rows each: too few to learn from")


def _find_numbers_as_text(column: Column) -> Exclusion | None:
    """A column that is useless as text, but would be useful as numbers."""
    if _ID_NAME_PATTERN.search(column.name) or not (_find_id(column) or _find_many_values(column)):
        return None
    description = describe_text_numbers(column)
    return Exclusion("number format", *description) if description else None


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
    """Values from the whole range of the column."""
    return list(column.values[:: max(1, column.distinct // _MAX_VALUES_CHECKED)])


def format_value(value: object) -> str:
    """A value for a message: on one line, shortened."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text if text.isprintable() else " ".join(text.split())
    return repr(text if len(text) <= 40 else text[:39] + "…") if isinstance(value, str) else text
