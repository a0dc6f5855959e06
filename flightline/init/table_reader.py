"""Files into columns, by the reader and the type rules of ExampleGen: what is said here is what a run will see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.errors import InputError
from flightline.executors.example_gen.column_types import Kind, infer_kind, is_text, parse_values
from flightline.executors.example_gen.tables import CsvTable, Table, open_table
from flightline.init.header_checks import check_header
from flightline.init.unreadable_lines import UnreadableLines

BLOCK_BYTES = 16 << 20
MAX_CELLS = 30_000_000  # 4 bytes each: what is kept in memory of a table, its distinct values apart
MISSING_MARKERS = frozenset(
    ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", "--", ".", "#N/A", "missing")
)
"""What stands for no value, spaces around it or nothing but spaces among it."""
_LEADING_ZERO_PATTERN = r"^0[0-9]"
MIN_ROWS_READ = 20_000  # looked at, however many columns there are


@dataclass(frozen=True, eq=False)
class Column:
    """A column as distinct values and, for each row, which of them it has.

    Attributes:
        kind: as ExampleGen types it; None where no row has a value.
        values: the distinct values, sorted: int64 or float64 numbers, or str. NaN is no value.
        codes: int32 [rows], a place in `values`, -1 where the row has none.
        padded: whether whole numbers are written with leading zeros, which they then lose.
    """

    name: str
    kind: Kind | None
    values: np.ndarray
    codes: np.ndarray
    has_leading_zeros: bool = False

    @property
    def rows(self) -> int:
        return len(self.codes)

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
    """A table, or as much of it as is looked at.

    Attributes:
        whole: whether no row is left.
        unreadable: the lines that are no rows.
        missing: cells that were taken for empty ones.
    """

    files: tuple[str, ...]
    columns: dict[str, Column]
    rows: int
    whole: bool
    unreadable: UnreadableLines
    missing: tuple[str, ...] = ()


def read_table(files: Sequence[str], max_cells: int = MAX_CELLS, missing: Sequence[str] = ()) -> InputTable:
    """Reads a table as `_read_table` does; once more where numbers turn out to be mixed with a mark for `no value`."""
    table = _read_table(files, max_cells, missing)
    found = {mark for column in table.columns.values() for mark in _find_missing_markers(column)}
    marks = tuple(sorted({*missing, *found}))
    return replace(_read_table(files, max_cells, marks) if found else table, missing=marks)


def _find_missing_markers(column: Column) -> set[str]:
    """What stands for a missing value in a column of text that, without it, would be numbers."""
    if column.kind != "bytes":
        return set()
    marks = {text for text in column.values if text.strip() in MISSING_MARKERS}
    others = [text.encode() for text in column.values if text not in marks]
    return marks if marks and others and infer_kind(pa.array(others, pa.binary())) != "bytes" else set()


def _read_table(files: Sequence[str], max_cells: int, missing: Sequence[str] = ()) -> InputTable:
    """Reads files with the same columns as one table, from the first row on, until `max_cells` are kept.

    Raises:
        InputError: a file cannot be read, their columns differ, a column has no name, or there is no row.
    """
    tables = [open_table(file, missing=missing) for file in files]
    names = _shared_column_names(tables)
    most_rows = max(MIN_ROWS_READ, max_cells // len(names))
    chunks: dict[str, list[pa.DictionaryArray]] = {name: [] for name in names}
    rows, whole, bad = 0, True, UnreadableLines()
    for table in tables:
        for block in table.blocks(BLOCK_BYTES):
            if rows >= most_rows:
                whole = False
                break
            rows += len(block.lines)
            bad = bad.with_block(table.path, block.rejected, rows)
            for name in names:
                chunks[name].append(block.columns[name])
    if not rows:
        bad.check()
        raise InputError(f"{', '.join(files)}: a header and no row", "name a file that has rows")
    kinds = _declared_kinds(tables, names)
    columns = {name: _make_column(name, chunks.pop(name), kinds.get(name)) for name in names}
    return InputTable(tuple(files), columns, rows, whole, bad)


def _shared_column_names(tables: Sequence[Table]) -> list[str]:
    first = tables[0]
    for table in tables[1:]:
        if table.columns != first.columns:
            raise InputError(
                f"{table.path}: its columns are not those of {first.path}", "files of one table need the same header"
            )
    check_header(first.path, first.columns)
    return first.columns


def _declared_kinds(tables: Sequence[Table], names: Sequence[str]) -> dict[str, Kind | None]:
    """Types that the file itself has (Parquet); those of CSV are read off the values."""
    if isinstance(tables[0], CsvTable):
        return {}
    return tables[0].kinds(BLOCK_BYTES, names)


def _make_column(name: str, chunks: list[pa.DictionaryArray], kind: Kind | None) -> Column:
    whole = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    distinct = whole.dictionary
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
    name: str, kind: Kind | None, values: np.ndarray, codes: np.ndarray, missing: np.ndarray
) -> Column:
    """Values sorted, each once, each of at least one row: `1` and `1.0` are one number, NaN is none."""
    used = np.bincount(codes[codes >= 0], minlength=len(values)) > 0
    keep = used & ~missing
    places = np.full(len(values) + 1, -1, np.int32)  # the last is that of code -1
    settled, inverse = np.unique(values[keep], return_inverse=True)
    places[:-1][keep] = inverse.astype(np.int32)
    codes = places[codes]
    return Column(name, kind if len(settled) else None, settled, codes)
