"""Numbers that the reader takes for text: in another spelling, or with words among them. What they are, what to do."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pyarrow as pa

from pipeline.fast.ingest.types import infer_kind
from pipeline.init.reading import Column

_MONEY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY)?"
_SPELLINGS = (
    r"\d+(?:[.,]\d+)?",
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?",
    r"\d{1,3}(?:\.\d{3})+(?:,\d+)?",
    r"\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+(?:[.,]\d+)?",
)
_NUMBER = re.compile(rf"\s*\(?[-+]?\s*{_MONEY}\s*[-+]?(?!0\d)(?:{'|'.join(_SPELLINGS)})\s*(?:%|{_MONEY})\s*\)?\s*")
_MOST_LOOKED_AT = 2_000  # distinct texts
_MOSTLY = 0.95  # of the distinct texts that are spelt as numbers
_FEW_ROWS = 0.1  # of those with a value, that have words where the others have numbers
_MOST_WORDS, _LONGEST = 5, 40


def numbers_in_disguise(column: Column) -> tuple[str, str] | None:
    """What a column of text is that would be numbers but for how they are written, and what to do; None for others."""
    if column.kind != "bytes":
        return None
    return _with_words(column) or _spelt(column)


def _spelt(column: Column) -> tuple[str, str] | None:
    texts = column.values[:: max(1, column.distinct // _MOST_LOOKED_AT)].tolist()
    if sum(bool(_NUMBER.fullmatch(text)) for text in texts) < _MOSTLY * len(texts):
        return None
    example = next((text for text in texts if _NUMBER.fullmatch(text) and not _plain(text)), None)
    if example is None:
        return None
    seen = f"numbers in a spelling that is not read, such as {example[:_LONGEST]!r}"
    return seen, "write them like 1234.5 in the file"


def _with_words(column: Column) -> tuple[str, str] | None:
    """Plain numbers nearly everywhere, and a few words for something else."""
    words: list[int] = []
    for place, text in enumerate(column.values):
        if not any(map(str.isdigit, text)):
            words.append(place)
            if len(words) > _MOST_WORDS or not text.isprintable() or len(text) > _LONGEST:
                return None
    share = column.counts[words].sum() / column.present if words else 0.0
    if not 0 < share <= _FEW_ROWS or not _plain(*np.delete(column.values, words)):
        return None
    named = [str(column.values[place]) for place in words]
    options = " ".join(f"--missing {shlex.quote(word)}" for word in named)
    seen = f"numbers but for {', '.join(map(repr, named))} ({share:.1%} of the rows)"
    return seen, f"if that means no value, run init again with {options}"


def _plain(*texts: str) -> bool:
    return infer_kind(pa.array([text.encode() for text in texts], pa.binary())) != "bytes"
