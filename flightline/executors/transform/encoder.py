"""Serializes columns as tf.Examples, a batch at a time and without a Python loop over rows.

Each record is a row of a byte matrix. Varints and strings, whose length differs between rows, get the width of the
longest one, and a mask removes the unused bytes. The wire format is that of
https://protobuf.dev/programming-guides/encoding with the messages of tensorflow/core/example/{example,feature}.proto:
`Example{features: 1}`, `Features{feature: 1}` a map of `{key: 1, value: 2}`, `Feature{bytes_list: 1, float_list: 2,
int64_list: 3}`, each list `{value: 1}`, numbers packed. Features are in the order of their names.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

_FIELD_1, _FIELD_2, _FIELD_3 = b"\x0a", b"\x12", b"\x1a"  # tags of length-delimited fields
_MATRIX_BYTES = 64 << 20  # bounds the scratch memory of a call, whatever the strings


@dataclasses.dataclass(frozen=True)
class _VariableBytes:
    """Bytes that differ between rows: for row i, the first `lengths[i]` bytes of `data[i]`.

    Attributes:
        data: uint8 [rows, width].
        lengths: int64 [rows]; None if every row uses the whole width.
    """

    data: np.ndarray
    lengths: np.ndarray | None = None


_Piece = bytes | _VariableBytes
_Length = int | np.ndarray


def encode_examples(columns: Mapping[str, np.ndarray]) -> list[bytes]:
    """Serializes rows.

    Args:
        columns: arrays [rows, ...] of float32, int64 or bytes objects. Inner dimensions are flattened into the
            feature's list, and must not be empty.

    Returns:
        A serialized tf.Example for each row.

    Raises:
        ValueError: columns have different numbers of rows, or a dtype that tf.Example does not support.
    """
    flat = {name: _as_matrix(name, columns[name]) for name in sorted(columns)}
    rows = {len(matrix) for matrix in flat.values()}
    if len(rows) != 1:
        sizes = {name: len(matrix) for name, matrix in flat.items()}
        raise ValueError(
            f"Outputs have different numbers of rows: {sizes}. Each must have one value for each row of the batch."
        )
    row_bytes = sum(_max_row_bytes(name, matrix) for name, matrix in flat.items())
    step = max(1, _MATRIX_BYTES // row_bytes)
    records: list[bytes] = []
    for start in range(0, rows.pop(), step):
        records += _encode({name: matrix[start : start + step] for name, matrix in flat.items()})
    return records


def _as_matrix(name: str, column: np.ndarray) -> np.ndarray:
    if column.dtype not in (np.float32, np.int64, np.object_):
        raise ValueError(f"Output {name!r} is {column.dtype}; tf.Example holds float32, int64 and bytes.")
    return column.reshape(len(column), -1) if column.size else column.reshape(len(column), 0)


def _max_row_bytes(name: str, matrix: np.ndarray) -> int:
    """An upper bound of the bytes that a row of the column takes."""
    value_bytes = 10 if matrix.dtype == np.int64 else 4
    if matrix.dtype == np.object_:
        value_bytes = 6 + max(map(len, matrix.ravel().tolist()), default=0)
    return len(name) + 32 + value_bytes * matrix.shape[1]


def _encode(columns: Mapping[str, np.ndarray]) -> list[bytes]:
    entries: list[_Piece] = []
    for name, matrix in columns.items():
        key = _length_delimited(_FIELD_1, [name.encode()])
        entries += _length_delimited(_FIELD_1, key + _length_delimited(_FIELD_2, _encode_feature(matrix)))
    return _join_rows(_length_delimited(_FIELD_1, entries), len(matrix))


def _encode_feature(matrix: np.ndarray) -> list[_Piece]:
    """A `Feature` message for each row of [rows, values]."""
    if matrix.dtype == np.float32:
        packed: list[_Piece] = [_VariableBytes(np.ascontiguousarray(matrix, "<f4").view(np.uint8))]
        return _length_delimited(_FIELD_2, _length_delimited(_FIELD_1, packed))
    if matrix.dtype == np.int64:
        packed = [_encode_varints(values.view(np.uint64)) for values in np.ascontiguousarray(matrix.T)]
        return _length_delimited(_FIELD_3, _length_delimited(_FIELD_1, packed))
    values = [piece for column in matrix.T for piece in _length_delimited(_FIELD_1, [_encode_strings(column)])]
    return _length_delimited(_FIELD_1, values)


def _length_delimited(tag: bytes, pieces: list[_Piece]) -> list[_Piece]:
    """A length-delimited field whose content are the pieces."""
    length: _Length = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            length = length + len(piece)
        else:
            length = length + (piece.data.shape[1] if piece.lengths is None else piece.lengths)
    return [tag, _encode_varint(length), *pieces]


def _encode_varint(value: _Length) -> _Piece:
    if isinstance(value, np.ndarray):
        return _encode_varints(value.astype(np.uint64))
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _encode_varints(values: np.ndarray) -> _VariableBytes:
    """Base-128 varints of uint64 [rows]."""
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    if width == 1:
        return _VariableBytes(values.astype(np.uint8)[:, None])
    lengths = np.ones(len(values), np.int64)
    for position in range(1, width):
        lengths += values >= np.uint64(1 << 7 * position)
    data = np.empty((len(values), width), np.uint8)
    for position in range(width):
        more = (lengths > position + 1).astype(np.uint8) << 7
        data[:, position] = (values >> np.uint64(7 * position)).astype(np.uint8) & 127 | more
    return _VariableBytes(data, None if lengths.min() == width else lengths)


def _encode_strings(column: np.ndarray) -> _VariableBytes:
    """The bytes of bytes objects [rows]."""
    strings = column.tolist()
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    width = int(lengths.max(initial=0))
    data = np.zeros((len(strings), width), np.uint8)
    data[np.arange(width) < lengths[:, None]] = np.frombuffer(b"".join(strings), np.uint8)
    return _VariableBytes(data, lengths)


def _join_rows(pieces: list[_Piece], rows: int) -> list[bytes]:
    """Joins the pieces of each row to one bytes object."""
    widths = [len(piece) if isinstance(piece, bytes) else piece.data.shape[1] for piece in pieces]
    matrix = np.empty((rows, sum(widths)), np.uint8)
    mask = np.ones(matrix.shape, bool)
    lengths = np.full(rows, matrix.shape[1], np.int64)
    start = 0
    for piece, width in zip(pieces, widths, strict=True):
        cells = slice(start, start + width)
        start += width
        if isinstance(piece, bytes):
            matrix[:, cells] = np.frombuffer(piece, np.uint8)
            continue
        matrix[:, cells] = piece.data
        if piece.lengths is not None:
            mask[:, cells] = np.arange(width) < piece.lengths[:, None]
            lengths += piece.lengths - width
    joined = matrix[mask].tobytes()
    ends = np.cumsum(lengths)
    return list(map(joined.__getitem__, map(slice, (ends - lengths).tolist(), ends.tolist())))
