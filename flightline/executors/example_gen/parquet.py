"""Parquet files as tables."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

import flightline.executors.example_gen.disable_pickle  # noqa: F401 - before any file is read
from flightline.errors import InputError
from flightline.executors.example_gen.blocks import Block
from flightline.executors.example_gen.column_types import is_text
from flightline.executors.example_gen.source import Opener, open_local, unreadable_error
from flightline.serving.input_feature import ColumnType


class RowGroup(NamedTuple):
    """A part of a Parquet file: its number, and the number of its first row in the file, counting from 1."""

    number: int
    first: int


class ParquetTable:
    """A Parquet file with columns of numbers, booleans or text.

    Dates and times are read as text, lists, structs and maps as text that is JSON.
    """

    def __init__(self, path: str, opener: Opener = open_local) -> None:
        self.path = path
        self._opener = opener
        with self._open() as parquet, _as_input_error(path):
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
            with _as_input_error(self.path):
                rows = _rows_per_block(parquet.metadata, block_bytes)
                batches = parquet.iter_batches(rows, row_groups=[group.number], columns=columns)
            while (batch := self._next(batches)) is not None:
                lines = np.arange(first, first + batch.num_rows)
                first += batch.num_rows
                arrays = {name: _encode_column(batch.column(i)) for i, name in enumerate(batch.schema.names)}
                yield Block(arrays, lines, partial(_row_text, batch), [])

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, ColumnType | None]:  # noqa: ARG002
        return {name: self._kinds[name] for name in columns}

    def _open(self) -> pyarrow.parquet.ParquetFile:
        with _as_input_error(self.path):
            return pyarrow.parquet.ParquetFile(self._opener(self.path))

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        with _as_input_error(self.path):
            return next(batches, None)

    def _kind(self, field: pa.Field) -> ColumnType | None:
        type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_null(type_):
            return None
        if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
            return "int"
        if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            return "float"
        if is_text(type_) or _is_temporal(type_) or pa.types.is_nested(type_):
            return "bytes"
        raise InputError(
            f"{self.path}: column {field.name!r} is {field.type}",
            "write it as a number, a boolean, a date or text, or leave it out of the file",
        )


@contextlib.contextmanager
def _as_input_error(path: str) -> Iterator[None]:
    """Whatever Arrow makes of a file that is not what it should be, a name that is not UTF-8 among it."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, MemoryError, pa.ArrowException) as err:
        raise unreadable_error(path, err) from err


def _rows_per_block(metadata: pyarrow.parquet.FileMetaData, block_bytes: int) -> int:
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return max(1, block_bytes * metadata.num_rows // max(1, size))


def _encode_column(column: pa.Array) -> pa.DictionaryArray:
    """A Parquet column as dictionary; an empty text is a missing value, as in CSV."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):  # a dictionary of them would hold a null as its value
        column = pa.nulls(len(column), pa.string())
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
    if _is_temporal(column.type):
        column = pa.array([None if moment is None else str(moment) for moment in _to_python(column)], pa.string())
    if pa.types.is_nested(column.type):
        column = pa.array([None if value is None else _to_json(value) for value in _to_python(column)], pa.string())
    if is_text(column.type):
        column = pc.if_else(pc.equal(pc.binary_length(column), 0), pa.scalar(None, column.type), column)
    return column.dictionary_encode()


def _to_python(column: pa.Array) -> list[Any]:
    """The values as Python objects; a moment that datetime cannot hold as text."""
    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        return [_scalar_to_python(scalar) for scalar in column]


def _scalar_to_python(scalar: pa.Scalar) -> Any:
    """Python's value; moments before year 1 or after 9999, in UTC or in their zone, become text in UTC."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        if isinstance(scalar, pa.StructScalar):
            return {name: _scalar_to_python(value) for name, value in scalar.items()}
        if isinstance(scalar, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):
            return [_scalar_to_python(value) for value in scalar.values]
        return _format_moment(scalar)


def _format_moment(scalar: pa.Scalar) -> str:
    """`10000-01-02 00:00:00+00:00`, as datetime would write it."""
    unit = {pa.date32(): "D", pa.date64(): "ms"}.get(scalar.type) or scalar.type.unit
    number = scalar.cast(pa.int32() if unit == "D" else pa.int64()).as_py()
    if number == np.iinfo(np.int64).min:  # numpy's NaT; exports of PostgreSQL's -infinity have it
        return "-infinity"
    day, _, time = str(np.datetime64(number, unit)).partition("T")
    if pa.types.is_date(scalar.type):
        return day
    seconds, _, fraction = time.partition(".")
    zone = "+00:00" if scalar.type.tz else ""
    return f"{day} {seconds}{'.' + fraction if fraction.strip('0') else ''}{zone}"


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_temporal(type_: pa.DataType) -> bool:
    return pa.types.is_date(type_) or pa.types.is_time(type_) or pa.types.is_timestamp(type_)


def _row_text(batch: pa.RecordBatch, row: int) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(_scalar_to_python(column[row]) for column in batch.columns)
    return text.getvalue()
