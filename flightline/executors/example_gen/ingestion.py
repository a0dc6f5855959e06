"""Files into an Examples directory: read, type, encode, split and write, one block at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import tensorflow as tf
from absl import logging

from flightline.errors import InputError, format_names
from flightline.executors import progress
from flightline.executors.example_gen.artifact_layout import REJECTED_FILE
from flightline.executors.example_gen.blocks import Block, Table
from flightline.executors.example_gen.column_types import wider_kind
from flightline.executors.example_gen.encoder import Column, encode_examples, encode_features
from flightline.executors.example_gen.rejects import CONTRACT_REASONS, REASONS, Reason, RejectWriter
from flightline.executors.example_gen.source import Opener, open_local
from flightline.executors.example_gen.splits import hash_splits
from flightline.executors.example_gen.tables import open_table
from flightline.executors.example_gen.typed_rows import Rows, type_rows
from flightline.executors.example_gen.writer import SplitWriter
from flightline.serving.input_feature import ColumnType, InputFeature


@dataclass(frozen=True)
class InputSplit:
    """Files with the same columns that are read as one table, in this order."""

    name: str
    files: Sequence[str]


@dataclass(frozen=True)
class HashSplit:
    """How one input split is divided by hash.

    Attributes:
        hash_buckets: output split to its number of buckets, in order.
        feature: the column to hash, or None for the entire example.
    """

    hash_buckets: Mapping[str, int]
    feature: str | None = None


@dataclass(frozen=True)
class IngestOptions:
    """What to make of a table.

    Attributes:
        label: a column without which a row is of no use; None keeps all rows.
        column_types: the columns whose type is known; the others are inferred from all of their values.
        missing_values: texts in CSV files that mean a missing value; an empty cell always does.
        block_bytes: bytes to read at a time; memory grows with it, not with the files.
        contract: the bounds of the columns; rows that break it are rejected. Empty for training data.
        row_ids: give each example the features `_file` and `_line`.
    """

    label: str | None = None
    column_types: Mapping[str, ColumnType] = field(default_factory=dict)
    missing_values: tuple[str, ...] = ()
    block_bytes: int = 8 << 20
    contract: Mapping[str, InputFeature] = field(default_factory=dict)
    row_ids: bool = False

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why rows may be rejected."""
        return (*REASONS, *CONTRACT_REASONS) if self.contract else REASONS

    def type_rows(self, block: Block, kinds: Mapping[str, ColumnType | None], path: str) -> Rows:
        """The rows of a block of the file at `path`."""
        return type_rows(block, kinds, self.label, self.contract, path if self.row_ids else None)


@dataclass
class RowCounts:
    """What became of the rows."""

    read: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def check(self) -> None:
        """Raises RuntimeError unless every row read is in a split or rejected."""
        accounted = self.splits.total() + self.rejected.total()
        if self.read != accounted:
            raise RuntimeError(f"{self.read} rows were read, {accounted} accounted for: {self}; this is a bug")

    def properties(self) -> dict[str, int]:
        """As they are stored on the artifact."""
        return {
            "rows_read": self.read,
            **{f"rows_split_{name}": rows for name, rows in self.splits.items()},
            **{f"rows_rejected_{reason}": rows for reason, rows in self.rejected.items()},
        }


def ingest(
    inputs: Sequence[InputSplit],
    output_dir: str,
    options: IngestOptions,
    hash_split: HashSplit | None = None,
    opener: Opener = open_local,
) -> RowCounts:
    """Writes `output_dir/Split-NAME/`, one for each input split, or for each part of the only one.

    Rejected rows, if there are any, go to `output_dir/rejected/rejected.csv`. After an error nothing is left.

    Raises:
        InputError: an input can't be read as a table, or has no row at all.
    """
    tables = {split.name: open_tables(split, options, opener) for split in inputs}
    names = list(hash_split.hash_buckets) if hash_split else list(tables)
    try:
        with _ExamplesWriter(output_dir, names, options.reasons) as output:
            for name, parts in tables.items():
                share = hash_split or HashSplit({name: 1})
                _ingest_split(parts, options, share, output)
            output.counts.check()
            return output.counts
    except BaseException:
        remove_output(output_dir, names)
        raise


def open_tables(split: InputSplit, options: IngestOptions, opener: Opener) -> list[Table]:
    """Opens the files of a split.

    Raises:
        InputError: one can't be read, their columns differ, or the label is not among them.
    """
    if not split.files:
        raise InputError(f"split {split.name!r}: no file", "check the input directory and the pattern")
    tables = [open_table(path, opener, options.missing_values) for path in split.files]
    first, label = tables[0], options.label
    for table in tables[1:]:
        if table.columns != first.columns:
            difference = _describe_column_difference(first, table)
            raise InputError(
                f"{table.path}: its columns differ from those of {first.path} ({difference})",
                "files of one split need the same header",
            )
    if label is not None and label not in first.columns:
        raise InputError(
            f"{first.path}: the label column {label!r} is missing", f"the header has {format_names(first.columns)}"
        )
    return tables


def _describe_column_difference(first: Table, other: Table) -> str:
    here, there = set(first.columns), set(other.columns)
    missing = [name for name in first.columns if name not in there]
    extra = [name for name in other.columns if name not in here]
    parts = [f"missing: {format_names(missing)}"] * bool(missing) + [f"extra: {format_names(extra)}"] * bool(extra)
    return "; ".join(parts) or "another order"


def _ingest_split(tables: Sequence[Table], options: IngestOptions, share: HashSplit, output: _ExamplesWriter) -> None:
    kinds = _resolve_kinds(tables, options)
    before = output.counts.read
    for table in tables:
        for block in table.blocks(options.block_bytes):
            rows = options.type_rows(block, kinds, table.path)
            output.write(table.path, rows, share)
            progress.report(output.counts.read)
    if output.counts.read == before:
        raise no_rows_error(tables)


def no_rows_error(tables: Sequence[Table]) -> InputError:
    """The error of a split whose files hold nothing but a header."""
    return InputError(f"{', '.join(t.path for t in tables)}: a header and no rows", "put rows there, or drop the file")


def _resolve_kinds(tables: Sequence[Table], options: IngestOptions) -> dict[str, ColumnType | None]:
    names = tables[0].columns
    unknown = sorted(set(options.column_types) - set(names))
    if unknown:
        logging.warning("%s: has no column %s, whose type is declared", tables[0].path, ", ".join(unknown))
    kinds: dict[str, ColumnType | None] = {name: options.column_types.get(name) for name in names}
    undeclared = [name for name in names if kinds[name] is None]
    if undeclared:
        for table in tables:
            for name, kind in table.kinds(options.block_bytes, undeclared).items():
                kinds[name] = wider_kind(kinds[name], kind)
    return kinds


class _ExamplesWriter:
    """The open files of an Examples directory, and the counts of what went into them."""

    def __init__(self, directory: str, names: Sequence[str], reasons: Sequence[Reason]) -> None:
        self.counts = RowCounts(splits=Counter(dict.fromkeys(names, 0)), rejected=Counter(dict.fromkeys(reasons, 0)))
        self._directory = directory
        self._names = names
        self._open = ExitStack()
        self._rejects: RejectWriter | None = None

    def __enter__(self) -> _ExamplesWriter:
        self._writers = {
            name: self._open.enter_context(SplitWriter(f"{self._directory}/Split-{name}")) for name in self._names
        }
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def write(self, file: str, rows: Rows, share: HashSplit) -> None:
        """Writes the rows of a block of `file` to the splits they belong to."""
        self.counts.read += rows.count + len(rows.rejected)
        if rows.rejected:
            self._write_rejected(file, rows)
        if not rows.count:
            return
        encoded = encode_examples(rows.columns)
        places = assign_splits(encoded.to_pylist(), rows.columns, share)
        for place, name in enumerate(share.hash_buckets):
            self._write_split(name, encoded.filter(pa.array(places == place)).to_pylist())

    def _write_split(self, name: str, examples: list[bytes]) -> None:
        self._writers[name].write(examples)
        self.counts.splits[name] += len(examples)

    def _write_rejected(self, file: str, rows: Rows) -> None:
        if self._rejects is None:
            path = f"{self._directory}/{REJECTED_FILE}"
            tf.io.gfile.makedirs(path.rsplit("/", 1)[0])
            self._rejects = RejectWriter(self._open.enter_context(tf.io.gfile.GFile(path, "w")))
        self._rejects.write(file, rows.rejected)
        self.counts.rejected.update(reject.reason for reject in rows.rejected)


def assign_splits(examples: list[bytes], columns: Mapping[str, Column], share: HashSplit) -> np.ndarray:
    """[rows] int64, which of the parts of `share` each row goes to."""
    buckets = list(share.hash_buckets.values())
    if len(buckets) == 1:
        return np.zeros(len(examples), np.int64)
    keys = examples if share.feature is None else _split_keys(share.feature, columns)
    return hash_splits(keys, buckets)


def _split_keys(feature: str, columns: Mapping[str, Column]) -> list[bytes]:
    """What stock hashes when it splits by one feature; it takes ints and texts only."""
    if feature not in columns:
        raise InputError(f"there is no column {feature!r} to split by", "name one of the columns in the output config")
    if columns[feature].kind not in ("int", "bytes"):
        raise InputError(
            f"column {feature!r} can't be split by: it is not int or text", "choose another, or declare it"
        )
    return encode_features(columns[feature]).to_pylist()


def remove_output(directory: str, names: Sequence[str]) -> None:
    """Takes away what a failed ingestion wrote: nothing half-written is left."""
    for part in [*(f"Split-{name}" for name in names), REJECTED_FILE.rsplit("/", 1)[0]]:
        path = f"{directory}/{part}"
        if tf.io.gfile.exists(path):
            tf.io.gfile.rmtree(path)
