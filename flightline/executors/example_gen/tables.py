"""Tables in files, read as a stream of blocks: CSV (plain, .gz, .zst) and Parquet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from flightline.errors import InputError, format_names
from flightline.executors.example_gen.artifact_layout import MAX_RECORD_BYTES
from flightline.executors.example_gen.blocks import Block, Table
from flightline.executors.example_gen.column_types import infer_kind, wider_kind
from flightline.executors.example_gen.csv_records import RecordBlock, read_records
from flightline.executors.example_gen.parquet import ParquetTable
from flightline.executors.example_gen.source import Opener, open_local, read_chunks, require_regular_file
from flightline.serving.input_feature import ColumnType

MAX_COLUMNS = 20_000
"""Each takes about a megabyte and a millisecond a block: more than that is no table, but a line end that was lost."""

_TEXT_TYPE = pa.dictionary(pa.int32(), pa.binary())


def open_table(path: str, opener: Opener = open_local, missing: Sequence[str] = ()) -> Table:
    """Opens a file by its suffix (.parquet; anything else is CSV) and reads its header.

    Args:
        missing: cells of a CSV file that mean what an empty one does, such as `NA`.

    Raises:
        InputError: the file can't be read or has no usable header.
    """
    require_regular_file(path)
    is_parquet = Path(path).suffix.lower() in (".parquet", ".pq")
    table: Table = ParquetTable(path, opener) if is_parquet else CsvTable(path, opener, missing)
    if len(table.columns) > MAX_COLUMNS:
        what = f"{path}: the header names {len(table.columns):,} columns, {MAX_COLUMNS:,} are the most there may be"
        raise InputError(what, "check that its lines end where they should")
    if twice := sorted(name for name, times in Counter(table.columns).items() if times > 1):
        raise InputError(f"{path}: the header names {format_names(map(repr, twice))} twice", "rename one of each")
    return table


class CsvTable:
    """A CSV file: UTF-8, separated by commas, quoted by double quotes, with a header line."""

    def __init__(self, path: str, opener: Opener = open_local, missing: Sequence[str] = ()) -> None:
        self.path = path
        self._opener = opener
        self._missing = ["", *missing]
        self.columns = self._header()

    def blocks(self, block_bytes: int, columns: Sequence[str] | None = None) -> Iterator[Block]:
        memory = _ReusableBuffer()
        for records in self.pieces(block_bytes):
            yield Block(self._parse(records, columns, memory), records.lines, records.text, records.rejected)

    def pieces(self, block_bytes: int) -> Iterator[RecordBlock]:
        return read_records(self._body(block_bytes), len(self.columns), self.path, first_line=2)

    def read(self, piece: RecordBlock, block_bytes: int) -> Iterator[Block]:  # noqa: ARG002 - it is as long as a block
        yield Block(self._parse(piece, None, _ReusableBuffer()), piece.lines, piece.text, piece.rejected)

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, ColumnType | None]:
        kinds: dict[str, ColumnType | None] = dict.fromkeys(columns)
        for block in self.blocks(block_bytes, columns):
            for name, column in block.columns.items():
                kinds[name] = wider_kind(kinds[name], infer_kind(column.dictionary))
            columns = [name for name in columns if kinds[name] != "bytes"]
        return kinds

    def _parse(
        self, records: RecordBlock, columns: Sequence[str] | None, memory: _ReusableBuffer
    ) -> dict[str, pa.DictionaryArray]:
        names = self.columns if columns is None else list(columns)
        if not names or not len(records.lines):
            empty = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.binary()))
            return dict.fromkeys(names, empty)
        # Not read_csv: in the main thread it walks all objects of the process for its interrupt handling.
        reader = pyarrow.csv.open_csv(
            pa.BufferReader(memory.hold(records.data)),
            read_options=pyarrow.csv.ReadOptions(column_names=self.columns, block_size=len(records.data) + 1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=names,
                column_types=dict.fromkeys(names, _TEXT_TYPE),
                null_values=self._missing,
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # already checked
            ),
        )
        table = reader.read_all()
        if table.num_rows != len(records.lines):
            raise RuntimeError(f"{self.path}: Arrow read {table.num_rows} rows of {len(records.lines)} records")
        return {name: _combine_chunks(table.column(name)) for name in names}

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
            if newline or len(line) > MAX_RECORD_BYTES:
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


class _ReusableBuffer:
    """Memory of Arrow's own, for one block after another: new pages for each would cost more than the copy.

    Arrow's reading thread lets go of what it has read when it likes. Were it Python's, and the interpreter about to end
    just then, the process would end by SIGABRT.
    """

    def __init__(self) -> None:
        self._buffer = pa.allocate_buffer(0)

    def hold(self, data: bytes) -> pa.Buffer:
        """A copy of the data, until the next."""
        if self._buffer.size < len(data):
            self._buffer = pa.allocate_buffer(len(data))
        memoryview(self._buffer).cast("B")[: len(data)] = data
        return self._buffer.slice(0, len(data))


def _combine_chunks(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()
