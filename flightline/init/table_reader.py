"""Read files into columns, with the reader and the type rules of ExampleGen, so that a run sees the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.errors import InputError
from flightline.executors.example_gen.column_types import infer_kind, is_text, parse_values
from flightline.executors.example_gen.tables import CsvTable, Table, open_table
from flightline.init.header_checks import check_header
from flightline.init.unreadable_lines import UnreadableLines
from flightline.serving.input_feature import ColumnType

BLOCK_BYTES = 16 << 20
MAX_CELLS = 30_000_000  # limits memory: a cell takes 4 bytes, plus the distinct values
MISSING_MARKERS = frozenset(
    ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", "--", ".", "#N/A", "missing")
)
"""Texts that often stand for a missing value, with or without surrounding spaces; '' is a cell of spaces only."""
_LEADING_ZERO_PATTERN = r"^0[0-9]"
MIN_ROWS_READ = 20_000  # at least, even with many columns


@dataclass(frozen=True, eq=False)
class Column:
    """A column as distinct values, and the index of the value of each row.

    Attributes:
        name: from the header.
        kind: the type that ExampleGen infers; None if no row has a value.
        values: the sorted distinct values: int64 or float64 numbers, or str. NaN counts as missing.
        codes: int32 [rows], an index into `values`, -1 for a missing value.
        has_leading_zeros: whether the file has whole numbers with leading zeros, which are lost here.
    """

    name: str
    kind: ColumnType | None
    values: np.ndarray
    codes: np.ndarray
    has_leading_zeros: bool = False

    @property
    def rows(self) -> int:
        return len(self.codes)

    def without_infinity(self) -> Column:
        """The column with infinite values as missing ones: a row with such a label is rejected."""
        if self.kind != "float" or np.isfinite(self.values).all():
            return self
        return _deduplicate_values(self.name, self.kind, self.values, self.codes, np.isinf(self.values))

    @property
    def distinct(self) -> int:
        return len(self.values)

    @cached_property
    def counts(self) -> np.ndarray:
        """How many rows have each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.distinct)

    @cached_property
    def present(self) -> int:
        """How many rows have a value."""
        return int((self.codes >= 0).sum())

    @property
    def missing(self) -> int:
        return self.rows - self.present

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "float")


@dataclass(frozen=True)
class InputTable:
    """A table, or its first rows.

    Attributes:
        files: the paths.
        columns: name → column, in the order of the file.
        rows: the number of rows read.
        complete: whether all rows were read.
        unreadable: the lines that could not be parsed.
        missing: the texts that count as empty cells.
    """

    files: tuple[str, ...]
    columns: dict[str, Column]
    rows: int
    complete: bool
    unreadable: UnreadableLines
    missing: tuple[str, ...] = ()


def read_table(files: Sequence[str], max_cells: int = MAX_CELLS, missing_values: Sequence[str] = ()) -> InputTable:
    """Read a table; if numbers are mixed with markers for missing values, read it again with these as empty cells.

    Args:
        files: with the same columns.
        max_cells: read the first rows only, up to about that many cells.
        missing_values: texts that count as empty cells.

    Raises:
        InputError: a file cannot be read, the columns of the files differ, a column has no name, or there are no rows.
    """
    table = _read_table(files, max_cells, missing_values)
    found = {marker for column in table.columns.values() for marker in _find_missing_markers(column)}
    markers = tuple(sorted({*missing_values, *found}))
    return replace(_read_table(files, max_cells, markers) if found else table, missing=markers)


def _find_missing_markers(column: Column) -> set[str]:
    """The markers for missing values in a text column that would be numeric without them."""
    if column.kind != "bytes":
        return set()
    markers = {text for text in column.values if text.strip() in MISSING_MARKERS}
    others = [text.encode() for text in column.values if text not in markers]
    return markers if markers and others and infer_kind(pa.array(others, pa.binary())) != "bytes" else set()


def _read_table(files: Sequence[str], max_cells: int, missing_values: Sequence[str] = ()) -> InputTable:
    tables = [open_table(file, missing=missing_values) for file in files]
    names = _shared_column_names(tables)
    max_rows = max(MIN_ROWS_READ, max_cells // len(names))
    chunks: dict[str, list[pa.DictionaryArray]] = {name: [] for name in names}
    rows, complete, unreadable = 0, True, UnreadableLines()
    for table in tables:
        for block in table.blocks(BLOCK_BYTES):
            if rows >= max_rows:
                complete = False
                break
            rows += len(block.lines)
            unreadable = unreadable.with_block(table.path, block.rejected, rows)
            for name in names:
                chunks[name].append(block.columns[name])
    if not rows:
        unreadable.check()
        raise InputError(f"{', '.join(files)}: there is a header, but no row", "name a file that has rows")
    kinds = _declared_kinds(tables, names)
    columns = {name: _make_column(name, chunks.pop(name), kinds.get(name)) for name in names}
    return InputTable(tuple(files), columns, rows, complete, unreadable)


def _shared_column_names(tables: Sequence[Table]) -> list[str]:
    first = tables[0]
    for table in tables[1:]:
        if table.columns != first.columns:
            raise InputError(
                f"{table.path}: its columns differ from those of {first.path}", "use files with the same header"
            )
    check_header(first.path, first.columns)
    return first.columns


def _declared_kinds(tables: Sequence[Table], names: Sequence[str]) -> dict[str, ColumnType | None]:
    """The types in the schema of a Parquet file; empty for CSV, whose types are inferred from the values."""
    if isinstance(tables[0], CsvTable):
        return {}
    return tables[0].kinds(BLOCK_BYTES, names)


def _make_column(name: str, chunks: list[pa.DictionaryArray], kind: ColumnType | None) -> Column:
    array = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    distinct = array.dictionary
    if not len(distinct) or not (codes >= 0).any():
        return Column(name, None, np.array([], object), np.full(len(codes), -1, np.int32))
    if kind is None:
        kind = infer_kind(distinct) if is_text(distinct.type) else "bytes"
    parsed = parse_values(distinct, kind or "bytes").values
    if isinstance(parsed, np.ndarray):
        values = parsed.astype(np.float64) if kind == "float" else parsed
        missing = np.isnan(values) if kind == "float" else np.zeros(len(values), bool)
    else:
        values = np.array([text.decode("utf-8", "replace") for text in parsed.to_pylist()], object)
        missing = np.zeros(len(values), bool)
    has_leading_zeros = (
        kind == "int"
        and is_text(distinct.type)
        and pc.any(pc.match_substring_regex(distinct, _LEADING_ZERO_PATTERN)).as_py()
    )
    return replace(_deduplicate_values(name, kind, values, codes, missing), has_leading_zeros=bool(has_leading_zeros))


def _deduplicate_values(
    name: str, kind: ColumnType | None, values: np.ndarray, codes: np.ndarray, missing: np.ndarray
) -> Column:
    """A column with sorted, unique and used values: `1` and `1.0` are the same number, NaN is missing."""
    used = np.bincount(codes[codes >= 0], minlength=len(values)) > 0
    keep = used & ~missing
    new_codes = np.full(len(values) + 1, -1, np.int32)  # the last one is for code -1
    unique, inverse = np.unique(values[keep], return_inverse=True)
    new_codes[:-1][keep] = inverse.astype(np.int32)
    return Column(name, kind if len(unique) else None, unique, new_codes[codes])
