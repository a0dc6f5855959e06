"""Converts blocks of a table to typed columns: every row is either kept or rejected with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.executors.example_gen.artifact_layout import FILE_COLUMN, LINE_COLUMN
from flightline.executors.example_gen.blocks import Block
from flightline.executors.example_gen.column_types import find_nan, parse_values
from flightline.executors.example_gen.encoder import Column
from flightline.executors.example_gen.input_bounds import find_out_of_bounds
from flightline.executors.example_gen.rejects import Reason, Reject, readable_text
from flightline.serving.input_feature import ColumnType, InputFeature

_MAX_SHOWN_CHARS = 200  # characters of a value in a reject's detail
_KIND_LABELS = {"int": "an int", "float": "a float", "bytes": "text"}


@dataclass(frozen=True)
class Rows:
    """The rows of a block that become examples, and the rejected ones.

    Attributes:
        columns: name to column, all of the same length.
        count: how many rows the columns have.
        rejected: the rejected rows, in the order of the file.
    """

    columns: dict[str, Column]
    count: int
    rejected: list[Reject]


def type_rows(
    block: Block,
    kinds: Mapping[str, ColumnType | None],
    label: str | None,
    contract: Mapping[str, InputFeature] | None = None,
    row_id_path: str | None = None,
) -> Rows:
    """Reads every column of a block as its type and rejects the rows that don't fit.

    Args:
        block: rows as the file has them.
        kinds: the type of each column.
        label: a column whose value must be there.
        contract: the bounds of the columns, if rows are checked against an input contract.
        row_id_path: the file's path, if each row gets the columns `_file` and `_line`.
    """
    contract = contract or {}
    columns, faults = {}, _Faults(block)
    for name, column in block.columns.items():
        kind = kinds[name]
        feature = contract.get(name)
        if feature is not None and feature.required and column.null_count:
            faults.add_missing(name, column, "missing_value", "a value is required")
        if kind is None:
            columns[name] = Column(None, column.dictionary, pa.nulls(len(column), pa.int32()))
            continue
        values, bad = parse_values(column.dictionary, kind)
        columns[name] = Column(kind, values, column.indices)
        if name == label and kind != "bytes":
            bad = _check_label_numbers(faults, column, name, values, bad)
        if bad.any():
            faults.add_bad_values(column, bad, "unparsable", name, f"is not {_KIND_LABELS[kind]}")
        if feature is not None and (outside := find_out_of_bounds(feature, values) & ~bad).any():
            faults.add_bad_values(column, outside, "out_of_domain", name, "is outside of its domain")
    if label is not None and block.columns[label].null_count:
        faults.add_missing(label, block.columns[label], "missing_label", "the label is empty")

    rejected = sorted([*block.rejected, *faults.rejects()], key=lambda reject: reject.line)
    keep = np.ones(len(block.lines), bool)
    keep[list(faults.by_row)] = False
    kept = _filter_rows(columns, keep)
    return Rows(
        kept | (_row_id_columns(row_id_path, block.lines[keep]) if row_id_path else {}), int(keep.sum()), rejected
    )


def _check_label_numbers(
    faults: _Faults, column: pa.DictionaryArray, name: str, values: np.ndarray, bad: np.ndarray
) -> np.ndarray:
    """Rejects rows whose label is NaN, which is a missing label, or infinite; returns which other values are bad."""
    nan, infinite = find_nan(column.dictionary), np.isinf(values) & ~bad
    if nan.any():
        faults.add_bad_values(column, nan, "missing_label", name, "counts as an empty label")
    if infinite.any():
        faults.add_bad_values(column, infinite, "unparsable", name, "is infinite")
    return bad & ~nan


def _row_id_columns(path: str, lines: np.ndarray) -> dict[str, Column]:
    files = Column("bytes", pa.array([path.encode()], pa.binary()), pa.array(np.zeros(len(lines), np.int32)))
    return {FILE_COLUMN: files, LINE_COLUMN: Column("int", lines, pa.array(np.arange(len(lines), dtype=np.int32)))}


class _Faults:
    """The first fault of each row at fault."""

    def __init__(self, block: Block) -> None:
        self.by_row: dict[int, Reject] = {}
        self._block = block

    def add_bad_values(
        self, column: pa.DictionaryArray, bad: np.ndarray, reason: Reason, name: str, fault: str
    ) -> None:
        rows = pa.array(bad).take(column.indices).fill_null(False).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(rows):
            value = column[int(row)].as_py()
            shown = repr(readable_text(value) if isinstance(value, bytes) else value)
            if len(shown) > _MAX_SHOWN_CHARS:  # the reject's `text` has the full value
                shown = f"{shown[:_MAX_SHOWN_CHARS]}…"
            self._add(int(row), reason, name, f"{shown} {fault}")

    def add_missing(self, name: str, column: pa.DictionaryArray, reason: Reason, fault: str) -> None:
        for row in np.flatnonzero(pc.is_null(column.indices).to_numpy(zero_copy_only=False)):
            self._add(int(row), reason, name, fault)

    def _add(self, row: int, reason: Reason, column: str, detail: str) -> None:
        if row not in self.by_row:
            line = int(self._block.lines[row])
            self.by_row[row] = Reject(line, reason, column, detail, self._block.text(row))

    def rejects(self) -> list[Reject]:
        return list(self.by_row.values())


def _filter_rows(columns: dict[str, Column], keep: np.ndarray) -> dict[str, Column]:
    if keep.all():
        return columns
    rows = pa.array(keep)
    return {name: Column(c.kind, c.values, c.indices.filter(rows)) for name, c in columns.items()}
