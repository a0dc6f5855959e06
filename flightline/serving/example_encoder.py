"""Encode rows as serialized tf.Examples, one at a time and without TensorFlow.

The bytes equal those that ExampleGen writes for the same values: features are ordered by name, and a missing value is
an empty list of its type. So the model gets exactly the input that it was trained on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from flightline.serving.input_feature import ColumnType

Value = int | float | str

_MISSING_FEATURES: dict[ColumnType, bytes] = {"bytes": b"\x0a\x00", "float": b"\x12\x00", "int": b"\x1a\x00"}
_FLOAT32 = struct.Struct("<f")
_UINT64_MASK = (1 << 64) - 1


def entry_encoder(name: str, kind: ColumnType) -> Callable[[Value | None], bytes]:
    """A function that encodes a value of this feature, or None for a missing one, as its entry in an Example."""
    key = b"\x0a" + _length_delimited(name.encode("utf-8"))
    feature = _ENCODERS[kind]

    def wrap(content: bytes) -> bytes:
        return b"\x0a" + _length_delimited(key + b"\x12" + _length_delimited(content))

    missing = wrap(_MISSING_FEATURES[kind])
    if kind == "float":  # all entries have the same length, hence the same prefix before the number
        prefix = wrap(_encode_float(0.0))[: -_FLOAT32.size]
        return lambda value: missing if value is None else prefix + _FLOAT32.pack(value)
    return lambda value: missing if value is None else wrap(feature(value))


def encode_example(entries: Iterable[bytes]) -> bytes:
    """A serialized tf.train.Example from entries that are ordered by feature name."""
    return b"\x0a" + _length_delimited(b"".join(entries))


def _encode_int(value: Value) -> bytes:
    return b"\x1a" + _length_delimited(b"\x0a" + _length_delimited(encode_varint(int(value) & _UINT64_MASK)))


def _encode_float(value: Value) -> bytes:
    return b"\x12\x06\x0a\x04" + _FLOAT32.pack(value)


def _encode_bytes(value: Value) -> bytes:
    return b"\x0a" + _length_delimited(b"\x0a" + _length_delimited(str(value).encode("utf-8")))


_ENCODERS: dict[ColumnType, Callable[[Value], bytes]] = {
    "int": _encode_int,
    "float": _encode_float,
    "bytes": _encode_bytes,
}


def encode_varint(number: int) -> bytes:
    """An unsigned 64-bit number as a protobuf varint."""
    if number < 128:
        return bytes((number,))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _length_delimited(content: bytes) -> bytes:
    return encode_varint(len(content)) + content
