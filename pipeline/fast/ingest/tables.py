"""Tables in files, read as a stream of blocks: CSV (plain, .gz, .zst) and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from pipeline.errors import InputError
from pipeline.fast.ingest.records import LONGEST_RECORD, RecordBlock, read_records
from pipeline.fast.ingest.rejects import Reject
from pipeline.fast.ingest.source import Opener, open_local, read_chunks, unreadable
from pipeline.fast.ingest.types import Kind, infer_kind, is_text, widest

_TEXT = pa.dictionary(pa.int32(), pa.binary())


@dataclass(frozen=True)
class Block:
    """Consecutive rows of one table.

    Attributes:
        columns: name to Arrow dictionary array [rows]; null where a value is missing. CSV values are the text of
            the cell, Parquet values have the type of the file.
        lines: [rows] int64, the line of the file each row begins on (Parquet: the row), counting from 1.
        text: the text of a row, by its place in the block.
        rejected: what the file has between these rows and could not be read as a row.
    """

    columns: dict[str, pa.DictionaryArray]
    lines: np.ndarray
    text: Callable[[int], str]
    rejected: list[Reject]


class Table(Protocol):
    """A file that holds a table."""

    path: str
    columns: list[str]

    def blocks(self, block_bytes: int, columns: Sequence[str] | None = None) -> Iterator[Block]:
        """Yields the rows in order, reading about `block_bytes` at a time; all columns unless told."""
        ...

    def pieces(self, block_bytes: int) -> Iterator[Any]:
        """Yields parts of the file that can be sent to another process and be read there by `read`."""
        ...

    def read(self, piece: Any, block_bytes: int) -> Iterator[Block]:
        """Yields the rows of a piece."""
        ...

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, Kind | None]:
        """The types of the given columns over the whole file."""
        ...


def open_table(path: str, opener: Opener = open_local) -> Table:
    """Opens a file by its suffix (.parquet; anything else is CSV) and reads its header.

    Raises:
        InputError: the file can't be read or has no usable header.
    """
    is_parquet = Path(path).suffix.lower() in (".parquet", ".pq")
    table: Table = ParquetTable(path, opener) if is_parquet else CsvTable(path, opener)
    twice = sorted({name for name in table.columns if table.columns.count(name) > 1})
    if twice:
        raise InputError(f"{path}: the header names {', '.join(map(repr, twice))} twice", "rename one of each")
    return table


class CsvTable:
    """A CSV file: UTF-8, separated by commas, quoted by double quotes, with a header line."""

    def __init__(self, path: str, opener: Opener = open_local) -> None:
        self.path = path
        self._opener = opener
        self.columns = self._header()

    def blocks(self, block_bytes: int, columns: Sequence[str] | None = None) -> Iterator[Block]:
        for records in self.pieces(block_bytes):
            yield Block(self._parse(records, columns), records.lines, records.text, records.rejected)

    def pieces(self, block_bytes: int) -> Iterator[RecordBlock]:
        return read_records(self._body(block_bytes), len(self.columns), self.path, first_line=2)

    def read(self, piece: RecordBlock, block_bytes: int) -> Iterator[Block]:  # noqa: ARG002 - it is as long as a block
        yield Block(self._parse(piece, None), piece.lines, piece.text, piece.rejected)

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, Kind | None]:
        kinds: dict[str, Kind | None] = dict.fromkeys(columns)
        for block in self.blocks(block_bytes, columns):
            for name, column in block.columns.items():
                kinds[name] = widest(kinds[name], infer_kind(column.dictionary))
            columns = [name for name in columns if kinds[name] != "bytes"]
        return kinds

    def _parse(self, records: RecordBlock, columns: Sequence[str] | None) -> dict[str, pa.DictionaryArray]:
        names = self.columns if columns is None else list(columns)
        if not names or not len(records.lines):
            empty = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.binary()))
            return dict.fromkeys(names, empty)
        # Not read_csv: in the main thread it walks all objects of the process for its interrupt handling.
        reader = pyarrow.csv.open_csv(
            pa.BufferReader(records.data),
            read_options=pyarrow.csv.ReadOptions(column_names=self.columns, block_size=len(records.data) + 1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=names,
                column_types=dict.fromkeys(names, _TEXT),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # already checked
            ),
        )
        table = reader.read_all()
        if table.num_rows != len(records.lines):
            raise RuntimeError(f"{self.path}: Arrow read {table.num_rows} rows of {len(records.lines)} records")
        return {name: _one_chunk(table.column(name)) for name in names}

    def _body(self, block_bytes: int) -> Iterator[bytes]:
        in_header = True
        for chunk in read_chunks(self.path, block_bytes, self._opener):
            if in_header:
                _, newline, rest = chunk.partition(b"\n")
                in_header = not newline
                yield rest
            else:
                yield chunk

    def _header(self) -> list[str]:
        line = b""
        for chunk in read_chunks(self.path, 1 << 16, self._opener):
            head, newline, _ = chunk.partition(b"\n")
            line += head
            if newline or len(line) > LONGEST_RECORD:
                break
        return _parse_header(self.path, line)


def _parse_header(path: str, line: bytes) -> list[str]:
    """Column names. Unlike stock, a byte order mark and quotes around a name are not part of the name."""
    todo = "the first line must name the columns, separated by commas"
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as err:
        raise InputError(f"{path}: the header is not UTF-8 text", "save the file as UTF-8 CSV") from err
    if not text:
        raise InputError(f"{path}: is empty or has an empty first line", todo)
    if "\r" in text:
        raise InputError(f"{path}: lines end in a bare carriage return", "save it with \\n or \\r\\n line ends")
    try:
        (names,) = csv.reader([text], strict=True)
    except csv.Error as err:
        raise InputError(f"{path}: the header cannot be read ({err})", todo) from err
    texts = pa.array([name.encode() for name in names if name], pa.binary())
    if infer_kind(texts) in ("int", "float"):
        raise InputError(f"{path}: has no header: its first line holds only numbers", todo)
    return names


class RowGroup(NamedTuple):
    """A part of a Parquet file: its number, and the number of its first row in the file, counting from 1."""

    number: int
    first: int


class ParquetTable:
    """A Parquet file with flat columns of numbers, booleans, dates, times or text; dates and times are read as text."""

    def __init__(self, path: str, opener: Opener = open_local) -> None:
        self.path = path
        self._opener = opener
        with self._open() as parquet:
            self._schema = parquet.schema_arrow
        self.columns = list(self._schema.names)
        self._kinds = {field.name: self._kind(field) for field in self._schema}

    def blocks(self, block_bytes: int, columns: Sequence[str] | None = None) -> Iterator[Block]:
        for group in self.pieces(block_bytes):
            yield from self._read(group, block_bytes, columns)

    def pieces(self, block_bytes: int) -> Iterator[RowGroup]:  # noqa: ARG002 - a row group is read where its rows go
        first = 1
        with self._open() as parquet:
            for number in range(parquet.metadata.num_row_groups):
                yield RowGroup(number, first)
                first += parquet.metadata.row_group(number).num_rows

    def read(self, piece: RowGroup, block_bytes: int) -> Iterator[Block]:
        return self._read(piece, block_bytes, None)

    def _read(self, group: RowGroup, block_bytes: int, columns: Sequence[str] | None) -> Iterator[Block]:
        first = group.first
        with self._open() as parquet:
            rows = _rows_per_block(parquet.metadata, block_bytes)
            batches = parquet.iter_batches(rows, row_groups=[group.number], columns=columns)
            while (batch := self._next(batches)) is not None:
                lines = np.arange(first, first + batch.num_rows)
                first += batch.num_rows
                arrays = {name: _encode(batch.column(i)) for i, name in enumerate(batch.schema.names)}
                yield Block(arrays, lines, partial(_row_text, batch), [])

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, Kind | None]:  # noqa: ARG002
        return {name: self._kinds[name] for name in columns}

    def _open(self) -> pyarrow.parquet.ParquetFile:
        try:
            return pyarrow.parquet.ParquetFile(self._opener(self.path))
        except (OSError, pa.ArrowException) as err:
            raise unreadable(self.path, err) from err

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            return next(batches, None)
        except (OSError, pa.ArrowException) as err:
            raise unreadable(self.path, err) from err

    def _kind(self, field: pa.Field) -> Kind | None:
        type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_null(type_):
            return None
        if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
            return "int"
        if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            return "float"
        if is_text(type_) or _is_moment(type_):
            return "bytes"
        raise InputError(
            f"{self.path}: column {field.name!r} is {field.type}", "write it as a number, a boolean, a date or text"
        )


def _rows_per_block(metadata: pyarrow.parquet.FileMetaData, block_bytes: int) -> int:
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return max(1, block_bytes * metadata.num_rows // max(1, size))


def _encode(column: pa.Array) -> pa.DictionaryArray:
    """A Parquet column as dictionary; an empty text is a missing value, as in CSV."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
    if _is_moment(column.type):
        column = pa.array([None if moment is None else str(moment) for moment in column.to_pylist()], pa.string())
    if is_text(column.type):
        column = pc.if_else(pc.equal(pc.binary_length(column), 0), pa.scalar(None, column.type), column)
    return column.dictionary_encode()


def _is_moment(type_: pa.DataType) -> bool:
    return pa.types.is_date(type_) or pa.types.is_time(type_) or pa.types.is_timestamp(type_)


def _one_chunk(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()


def _row_text(batch: pa.RecordBatch, row: int) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(column[row].as_py() for column in batch.columns)
    return text.getvalue()
