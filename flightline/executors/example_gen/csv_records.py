"""Finds the records in CSV text without parsing it, as stock CsvExampleGen does, and rejects the broken ones.

Stock joins lines until the number of quotes is even, then parses each record with Python's csv module. Here
numpy scans a block at a time. Records whose quoting is regular (RFC 4180) mean the same to Python and to Arrow and
stay as they are; the few others go through Python's csv module and are written back in regular form.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from flightline.errors import InputError
from flightline.executors.example_gen.artifact_layout import MAX_RECORD_BYTES
from flightline.executors.example_gen.rejects import Reject, readable_text

_NEWLINE, _RETURN, _QUOTE, _COMMA = b'\n\r",'


@dataclass(frozen=True)
class RecordBlock:
    """Consecutive records of one file.

    Attributes:
        data: CSV text of the good records in order, every one with the right number of fields.
        lines: [records] int64, the line of the file each begins on, counting from 1.
        bounds: [records, 2] int64, start and end of each in `source`, line end excluded.
        source: the text as the file has it.
        rejected: the records that are not in `data`.
    """

    data: bytes
    lines: np.ndarray
    bounds: np.ndarray
    source: bytes
    rejected: list[Reject]

    def text(self, record: int) -> str:
        """A record as the file has it."""
        start, end = self.bounds[record]
        return readable_text(self.source[start:end])


def read_records(chunks: Iterable[bytes], fields: int, path: str, first_line: int = 1) -> Iterator[RecordBlock]:
    """Cuts a stream of CSV bytes, header removed, into blocks of whole records with `fields` fields each.

    Raises:
        InputError: a quote is never closed.
    """
    remainder, line = b"", first_line
    for chunk in chunks:
        text = remainder + chunk
        ends = _CsvScan(text).record_ends()
        if len(ends):
            end = int(ends[-1])
            yield _read_block(text[:end], fields, line)
            line += text.count(b"\n", 0, end)
            remainder = text[end:]
        else:
            remainder = text
        if len(remainder) > MAX_RECORD_BYTES:
            raise _unclosed_quote_error(path, line, f"within {MAX_RECORD_BYTES >> 20} MB")
    if remainder.count(b'"') % 2:
        raise _unclosed_quote_error(path, line, "before the end of the file")
    if remainder:
        yield _read_block(remainder, fields, line)


def _unclosed_quote_error(path: str, line: int, limit: str) -> InputError:
    return InputError(
        f"{path}, line {line}: the record that begins here does not end {limit}: a quote is not closed",
        "close or double the quote, or restore the file if it was cut short",
    )


class _CsvScan:
    """Positions of the newlines, quotes and separators in CSV text."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.bytes = np.frombuffer(text, np.uint8)
        self.newlines = np.flatnonzero(self.bytes == _NEWLINE)
        self.quotes = self._find(_QUOTE)

    def _find(self, char: int) -> np.ndarray:
        # Searching bytes for an absent character is much cheaper than comparing all of them.
        return np.flatnonzero(self.bytes == char) if char in self.text else np.empty(0, np.int64)

    def _outside_quotes(self, positions: np.ndarray) -> np.ndarray:
        if not len(self.quotes):
            return positions
        return positions[np.searchsorted(self.quotes, positions) % 2 == 0]

    def record_ends(self) -> np.ndarray:
        """The position after each newline that ends a record."""
        return self._outside_quotes(self.newlines) + 1

    def commas(self) -> np.ndarray:
        """Positions of the separators."""
        return self._outside_quotes(np.flatnonzero(self.bytes == _COMMA))

    def irregular(self) -> np.ndarray:
        """Positions of characters that Python's csv and Arrow may read differently."""
        returns = self._outside_quotes(self._find(_RETURN))
        return np.concatenate(
            [self._irregular_quotes(), returns[self._next(returns) != _NEWLINE], self._find(0)]  # NUL
        )

    def _irregular_quotes(self) -> np.ndarray:
        opening, closing = self.quotes[0::2], self.quotes[1::2]
        before, after = self._previous(opening), self._next(closing)
        bad_opening = opening[~np.isin(before, (_COMMA, _NEWLINE, _QUOTE))]
        bad_closing = closing[~np.isin(after, (_COMMA, _NEWLINE, _RETURN, _QUOTE))]
        return np.concatenate([bad_opening, bad_closing])

    def _previous(self, positions: np.ndarray) -> np.ndarray:
        return np.where(positions > 0, self.bytes[positions - 1], _NEWLINE)

    def _next(self, positions: np.ndarray) -> np.ndarray:
        last = len(self.bytes) - 1
        return np.where(positions < last, self.bytes[np.minimum(positions + 1, last)], _NEWLINE)


def _read_block(text: bytes, fields: int, first_line: int) -> RecordBlock:
    """Sorts the records of `text`, which ends at the end of a record, into good and rejected ones."""
    scan = _CsvScan(text)
    ends = scan.record_ends()
    if not len(ends) or ends[-1] != len(text):  # the last line of a file may lack its newline
        ends = np.append(ends, len(text))
    starts = np.concatenate([[0], ends[:-1]])
    lines = first_line + np.searchsorted(scan.newlines, starts)
    bounds = np.stack([starts, _strip_line_ends(scan.bytes, starts, ends)], axis=1)

    field_counts = np.diff(np.searchsorted(scan.commas(), np.append(starts, len(text)))) + 1
    special = (field_counts != fields) | (bounds[:, 0] == bounds[:, 1])
    special[np.searchsorted(ends, scan.irregular(), side="right")] = True
    special[_find_invalid_utf8(scan.bytes, text, starts, ends)] = True
    if not special.any():
        return RecordBlock(text, lines, bounds, text, [])

    pieces, rejected, copied, good = [], [], 0, ~special
    for record in np.flatnonzero(special):
        start, end = int(starts[record]), int(ends[record])
        pieces.append(text[copied:start])
        copied = end
        outcome = _read_irregular_record(text[start:end], fields, int(lines[record]))
        if isinstance(outcome, bytes):
            pieces.append(outcome)
            good[record] = True
        elif outcome is not None:
            rejected.append(outcome)
    pieces.append(text[copied:])
    return RecordBlock(b"".join(pieces), lines[good], bounds[good], text, rejected)


def _strip_line_ends(chars: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    for line_end in (_NEWLINE, _RETURN):
        ends = ends - ((ends > starts) & (chars[np.maximum(ends - 1, 0)] == line_end))
    return ends


def _find_invalid_utf8(chars: np.ndarray, text: bytes, starts: np.ndarray, ends: np.ndarray) -> list[int]:
    """The records that are not valid UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        suspects = np.unique(np.searchsorted(ends, np.flatnonzero(chars >= 0x80), side="right"))
        return [int(i) for i in suspects if _describe_utf8_error(text[starts[i] : ends[i]])]
    return []


def _describe_utf8_error(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as err:
        return f"not UTF-8: byte 0x{raw[err.start]:02x} at position {err.start + 1} of the row"
    return ""


def _read_irregular_record(raw: bytes, fields: int, line: int) -> bytes | Reject | None:
    """Reads one record as stock does; returns it in regular form, or as a reject, or None for a blank line."""

    def reject(detail: str) -> Reject:
        return Reject(line, "unparsable", "", detail, readable_text(raw).rstrip("\r\n"))

    if fault := _describe_utf8_error(raw):
        return reject(fault)
    try:
        cells = _parse_record(raw.decode("utf-8"))
    except csv.Error as err:
        return reject(str(err))
    if not cells:
        return None
    if len(cells) != fields:
        return reject(f"{len(cells)} fields, the header has {fields}")
    regular = io.StringIO()
    csv.writer(regular, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return regular.getvalue().encode("utf-8")


def _parse_record(record: str) -> list[str]:
    """Parses one record with Python's csv, which must not read beyond the record."""

    def single_record() -> Iterator[str]:
        yield record
        raise csv.Error("a quote is not closed")

    return next(csv.reader(single_record()))
