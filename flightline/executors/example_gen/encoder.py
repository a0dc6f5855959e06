"""Columns into serialized tf.Examples, byte for byte what `SerializeToString(deterministic=True)` gives.

Features are ordered by name: the hash of these bytes is what stock ExampleGen splits by. (Protobuf 6, that of TFX 1.21,
has a name after longer ones that begin with it; ours stay in order, so that both stacks make the same splits.)
Every step works on whole columns; a column given as distinct values and indices is encoded once per distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.executors.varint import MAX_VARINT_BYTES, encode_varint
from flightline.serving.input_feature import ColumnType

_EMPTY_BINARY = pa.scalar(b"", pa.large_binary())
# tf.train.Feature without a value: its list is there and empty; without a type it has no list.
_MISSING_FEATURE: dict[ColumnType | None, bytes] = {
    "bytes": b"\x0a\x00",
    "float": b"\x12\x00",
    "int": b"\x1a\x00",
    None: b"",
}


@dataclass(frozen=True)
class Column:
    """A typed column, one value or none a row.

    Attributes:
        kind: its type; None for a column without any value in the whole input.
        values: [distinct] int64 or float32 numpy array, or Arrow binary; ignored for kind None.
        indices: [rows] Arrow int32, the row's place in `values`, null where the value is missing.
    """

    kind: ColumnType | None
    values: np.ndarray | pa.Array
    indices: pa.Array


def encode_examples(columns: Mapping[str, Column]) -> pa.Array:
    """Serializes the rows of at least one column.

    Returns:
        [rows] Arrow large_binary, each a tf.train.Example.
    """
    entries = [_map_entries(name, columns[name]) for name in sorted(columns)]
    lengths = sum(pc.binary_length(entry).to_numpy() for entry in entries)
    header = _map_distinct_lengths(lengths, lambda size: b"\x0a" + encode_varint(size))
    return pc.binary_join_element_wise(header, *entries, _EMPTY_BINARY)


def encode_features(column: Column) -> pa.Array:
    """Serializes a column alone.

    Returns:
        [rows] Arrow large_binary, each a tf.train.Feature.
    """
    return _take_or_missing(_encode_distinct_values(column), _MISSING_FEATURE[column.kind], column.indices)


def _map_entries(name: str, column: Column) -> pa.Array:
    """[rows] the entry of `Features.feature` for a column: its name and the row's Feature."""
    key = b"\x0a" + _length_delimited(name.encode("utf-8"))

    def before(size: int) -> bytes:
        inner = key + b"\x12" + encode_varint(size)
        return b"\x0a" + encode_varint(len(inner) + size) + inner

    missing = _MISSING_FEATURE[column.kind]
    return _take_or_missing(
        _prefix_each(_encode_distinct_values(column), before), before(len(missing)) + missing, column.indices
    )


def _take_or_missing(distinct: pa.Array, missing: bytes, indices: pa.Array) -> pa.Array:
    if indices.null_count:
        indices = indices.fill_null(pa.scalar(len(distinct), indices.type))
        distinct = pa.concat_arrays([distinct, pa.array([missing], pa.large_binary())])
    return distinct.take(indices)


def _encode_distinct_values(column: Column) -> pa.Array:
    """[distinct] a tf.train.Feature for each distinct value."""
    if column.kind is None:
        return pa.array([], pa.large_binary())
    if column.kind == "float":
        numbers = _pack_rows(column.values.astype("<f4").view(np.uint8).reshape(-1, 4))
        return _prefix_each(numbers, lambda _: b"\x12\x06\x0a\x04")
    if column.kind == "int":
        return _prefix_each(
            _encode_varints(column.values),
            lambda size: b"\x1a" + encode_varint(size + 2) + b"\x0a" + encode_varint(size),
        )
    return _prefix_each(pc.cast(column.values, pa.large_binary()), _text_value_header)


def _text_value_header(size: int) -> bytes:
    inner = b"\x0a" + encode_varint(size)
    return b"\x0a" + encode_varint(len(inner) + size) + inner


def _length_delimited(content: bytes) -> bytes:
    return encode_varint(len(content)) + content


def _prefix_each(contents: pa.Array, before: Callable[[int], bytes]) -> pa.Array:
    """Puts `before(size of the content in bytes)` in front of each content."""
    prefixes = _map_distinct_lengths(pc.binary_length(contents).to_numpy(), before)
    return pc.binary_join_element_wise(prefixes, contents, _EMPTY_BINARY)


def _map_distinct_lengths(lengths: np.ndarray, make: Callable[[int], bytes]) -> pa.Array:
    distinct, places = np.unique(lengths, return_inverse=True)
    return pa.array([make(int(length)) for length in distinct], pa.large_binary()).take(pa.array(places))


def _encode_varints(numbers: np.ndarray) -> pa.Array:
    """[n] int64 to [n] large_binary in base 128; a negative number takes ten bytes."""
    shifts = np.arange(MAX_VARINT_BYTES, dtype=np.uint64) * np.uint64(7)
    groups = numbers.astype(np.int64).view(np.uint64)[:, None] >> shifts
    used = groups > 0
    used[:, 0] = True
    digits = (groups & np.uint64(127)).astype(np.uint8)
    digits[:, :-1] |= used[:, 1:] * np.uint8(128)  # more follows
    return _pack_rows(digits, used)


def _pack_rows(rows: np.ndarray, used: np.ndarray | None = None) -> pa.Array:
    """[n, width] bytes to [n] large_binary, keeping the bytes where `used`."""
    lengths = np.full(len(rows), rows.shape[1]) if used is None else used.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    content = rows if used is None else rows[used]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(content))]
    return pa.Array.from_buffers(pa.large_binary(), len(rows), buffers)
