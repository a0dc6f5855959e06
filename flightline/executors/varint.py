"""Protobuf's base-128 numbers, which the readers and writers of tf.Examples share."""

from __future__ import annotations

MAX_VARINT_BYTES = 10  # of a 64-bit number


def encode_varint(number: int) -> bytes:
    """Encodes a non-negative number."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
