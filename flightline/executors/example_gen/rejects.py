"""Rejected rows: rows of the input that cannot become examples, written to a CSV file with the reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

Reason = Literal["unparsable", "missing_label", "missing_value", "out_of_domain"]
REASONS: tuple[Reason, ...] = ("unparsable", "missing_label")
CONTRACT_REASONS: tuple[Reason, ...] = ("missing_value", "out_of_domain")
"""Further reasons, for rows that are checked against a model's input contract."""


class Reject(NamedTuple):
    """One rejected row.

    Attributes:
        line: the line of the file where the row begins, counting from 1; for Parquet, the row number.
        reason: the kind of fault, by which rejected rows are counted.
        column: the column with the fault; empty if the fault is in no single column.
        detail: the fault, for the user.
        text: the row as the file has it, without its line end.
    """

    line: int
    reason: Reason
    column: str
    detail: str
    text: str


class TextSink(Protocol):
    """A text file that rejects are written to."""

    def write(self, text: str, /) -> object: ...


def csv_line(file: str, reject: Reject) -> str:
    """One reject of a file as a line of CSV, without its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow((file, *(_escape_nul(field) for field in reject)))
    return line.getvalue()


class RejectWriter:
    """Writes rejects as CSV: file, line, reason, column, detail, text."""

    def __init__(self, sink: TextSink) -> None:
        self._writer = csv.writer(sink, lineterminator="\n")
        self._writer.writerow(("file", *Reject._fields))

    def write(self, file: str, rejects: Iterable[Reject]) -> None:
        """Appends the rejects of one file."""
        for reject in rejects:
            self._writer.writerow((file, *(_escape_nul(field) for field in reject)))


def readable_text(raw: bytes) -> str:
    """A row's bytes as text; bytes that are not UTF-8 are shown as \\xNN."""
    return raw.decode("utf-8", errors="backslashreplace")


def _escape_nul(field: object) -> object:
    # A NUL makes csv.reader of Python 3.10 refuse the entire file.
    return field.replace("\0", "\\x00") if isinstance(field, str) else field
