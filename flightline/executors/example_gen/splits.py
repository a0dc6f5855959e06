"""Which split a row goes to, as stock ExampleGen decides it (`base_example_gen_executor._PartitionFn`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np


def hash_splits(keys: Iterable[bytes], hash_buckets: Sequence[int]) -> np.ndarray:
    """Assigns each key to a split: SHA-256 modulo the number of buckets, which the splits share out in order.

    Args:
        keys: what a row is split by: its serialized example, or one serialized feature.
        hash_buckets: [splits] how many buckets each split has.

    Returns:
        [rows] int64, the index of the split.
    """
    upper = np.cumsum(hash_buckets)
    digests = np.frombuffer(b"".join(hashlib.sha256(key).digest() for key in keys), ">u4").reshape(-1, 8)
    return np.searchsorted(upper, _modulo(digests, int(upper[-1])), side="right")


def _modulo(digests: np.ndarray, divisor: int) -> np.ndarray:
    """[n, 8] big-endian 256-bit numbers modulo a number below 2**32."""
    if divisor >= 2**32:
        raise ValueError(f"the hash buckets of all splits add up to {divisor}: at most {2**32 - 1}")
    remainder = np.zeros(len(digests), np.uint64)
    for word in digests.T.astype(np.uint64):
        remainder = ((remainder << np.uint64(32)) | word) % np.uint64(divisor)
    return remainder.astype(np.int64)
