"""Convert log entries into Arrow record batches, column by column for speed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from flightline.serving.contract import Contract, Value


@dataclass(frozen=True)
class LogEntry:
    """One request and its predictions.

    Attributes:
        time_us: when the request arrived, microseconds since the epoch.
        request_id: from the client, or generated.
        contract: of the release that answered; it defines the features.
        version, role: of the release that answered.
        latency_ms: from the parsed request to the predictions.
        columns: feature → [rows] values; empty for an invalid or failed request.
        scores, labels: [rows], see `Predictions`; None if there are no predictions.
        shadow: version and [rows] scores of the shadow release.
        shadow_labels: [rows] labels of the shadow release.
        error: why there are no predictions.
        invalid: whether the request violates the contract.
    """

    time_us: int
    request_id: str
    contract: Contract
    version: str
    role: str
    latency_ms: float
    columns: dict[str, list[Value | None]] = field(default_factory=dict, repr=False)
    scores: np.ndarray | None = None
    labels: np.ndarray | None = None
    shadow: tuple[str, np.ndarray] | None = None
    shadow_labels: np.ndarray | None = None
    error: str | None = None
    invalid: bool = False

    @property
    def outcome(self) -> str:
        return "invalid" if self.invalid else "answered" if self.error is None else "failed"

    @property
    def rows(self) -> int:
        return 1 if self.scores is None else len(self.scores)


_REQUEST_COLUMNS: dict[str, Callable[[LogEntry], Any]] = {
    "_time_us": lambda entry: entry.time_us,
    "_request_id": lambda entry: entry.request_id,
    "_version": lambda entry: entry.version,
    "_role": lambda entry: entry.role,
    "_latency_ms": lambda entry: entry.latency_ms,
    "_shadow_version": lambda entry: entry.shadow[0] if entry.shadow else None,
    "_outcome": lambda entry: entry.outcome,
    "_error": lambda entry: entry.error,
}
_ROW_COLUMNS: dict[str, Callable[[LogEntry], np.ndarray | None]] = {
    "_probability": lambda entry: entry.scores,
    "_prediction": lambda entry: entry.scores,
    "_label": lambda entry: entry.labels,
    "_shadow_probability": lambda entry: entry.shadow[1] if entry.shadow else None,
    "_shadow_prediction": lambda entry: entry.shadow[1] if entry.shadow else None,
}


def build_batch(
    entries: Sequence[LogEntry], schema: pa.Schema, hashed_features: Sequence[str], key: bytes
) -> pa.RecordBatch:
    """The rows of entries with the same contract, as the columns of `schema`; `key` is for the hashed features."""
    rows = np.fromiter((entry.rows for entry in entries), np.int64, len(entries))
    row_to_entry = np.repeat(np.arange(len(entries)), rows)
    multi_row = len(row_to_entry) > len(entries)

    def column(wanted: pa.Field) -> pa.Array:
        name, kind = wanted.name, wanted.type
        if name in _REQUEST_COLUMNS:
            values = pa.array([_REQUEST_COLUMNS[name](entry) for entry in entries], kind)
            return values.take(pa.array(row_to_entry)) if multi_row else values
        if name == "_row":
            return pa.array(np.arange(len(row_to_entry)) - np.repeat(np.cumsum(rows) - rows, rows), kind)
        if name == "_class":
            return _text_column([entry.labels for entry in entries], rows)
        if name == "_shadow_class":
            return _text_column([entry.shadow_labels for entry in entries], rows)
        if name in _ROW_COLUMNS:
            return _number_column([_ROW_COLUMNS[name](entry) for entry in entries], rows, kind)
        values = chain.from_iterable(entry.columns.get(name) or [None] * entry.rows for entry in entries)
        return pa.array([keyed_hash(key, one) for one in values] if name in hashed_features else list(values), kind)

    return pa.RecordBatch.from_arrays([column(wanted) for wanted in schema], schema=schema)


def _number_column(parts: Sequence[np.ndarray | None], rows: np.ndarray, kind: pa.DataType) -> pa.Array:
    """The concatenated numbers of all entries; null for entries without."""
    absent = np.fromiter((part is None for part in parts), bool, len(parts))
    if absent.all():
        return pa.nulls(int(rows.sum()), kind)
    filled = [np.zeros(count) if part is None else part for part, count in zip(parts, rows, strict=True)]
    numbers = np.concatenate(filled).astype(kind.to_pandas_dtype())
    return pa.array(numbers, kind, mask=np.repeat(absent, rows))


def _text_column(parts: Sequence[np.ndarray | None], rows: np.ndarray) -> pa.Array:
    """The concatenated classes of all entries, as text; null for entries without."""
    texts = ([None] * count if part is None else map(str, part) for part, count in zip(parts, rows, strict=True))
    return pa.array(chain.from_iterable(texts), pa.string())


def keyed_hash(key: bytes, value: Value | None) -> str | None:
    """A keyed hash of a value: equal values have equal hashes, and guessing values needs the key."""
    return None if value is None else hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:16]
