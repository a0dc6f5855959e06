"""Detect numbers that are read as text: in an unsupported format, or mixed with words."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pyarrow as pa

from flightline.executors.example_gen.column_types import infer_kind
from flightline.init.table_reader import Column

_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY)?"
_NUMBER_FORMATS = (
    r"\d+(?:[.,]\d+)?",
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?",
    r"\d{1,3}(?:\.\d{3})+(?:,\d+)?",
    r"\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+(?:[.,]\d+)?",
)
_NUMBER_PATTERN = re.compile(
    rf"\s*\(?[-+]?\s*{_CURRENCY}\s*[-+]?(?!0\d)(?:{'|'.join(_NUMBER_FORMATS)})\s*(?:%|{_CURRENCY})\s*\)?\s*"
)
_MAX_VALUES_CHECKED = 2_000  # distinct texts
_MIN_NUMBER_SHARE = 0.95  # of the distinct texts that are formatted numbers
_MAX_WORD_ROW_SHARE = 0.1  # of the rows with a value that have words instead of numbers
_MAX_WORDS, _MAX_CHARS = 5, 40


def describe_text_numbers(column: Column) -> tuple[str, str] | None:
    """The evidence and the advice for a text column that should be numeric; None for other columns."""
    if column.kind != "bytes":
        return None
    return _numbers_with_words(column) or _unsupported_number_format(column)


def _unsupported_number_format(column: Column) -> tuple[str, str] | None:
    texts = column.values[:: max(1, column.distinct // _MAX_VALUES_CHECKED)].tolist()
    if sum(bool(_NUMBER_PATTERN.fullmatch(text)) for text in texts) < _MIN_NUMBER_SHARE * len(texts):
        return None
    example = next((text for text in texts if _NUMBER_PATTERN.fullmatch(text) and not _infers_as_number(text)), None)
    if example is None:
        return None
    evidence = f"numbers in an unsupported format, such as {example[:_MAX_CHARS]!r}"
    return evidence, "write them like 1234.5 in the file"


def _numbers_with_words(column: Column) -> tuple[str, str] | None:
    """A column of numbers with a few words in some rows."""
    words: list[int] = []
    for index, text in enumerate(column.values):
        if not any(map(str.isdigit, text)):
            words.append(index)
            if len(words) > _MAX_WORDS or not text.isprintable() or len(text) > _MAX_CHARS:
                return None
    share = column.counts[words].sum() / column.present if words else 0.0
    if not 0 < share <= _MAX_WORD_ROW_SHARE or not _infers_as_number(*np.delete(column.values, words)):
        return None
    texts = [str(column.values[index]) for index in words]
    options = " ".join(f"--missing-value {shlex.quote(text)}" for text in texts)
    evidence = f"numbers except for {', '.join(map(repr, texts))} ({share:.1%} of the rows)"
    return evidence, f"if that means a missing value, run init again with {options}"


def _infers_as_number(*texts: str) -> bool:
    return infer_kind(pa.array([text.encode() for text in texts], pa.binary())) != "bytes"
