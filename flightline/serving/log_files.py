"""The files of a prediction log: segments that are open (Arrow IPC streams) and closed (Parquet).

An open segment is a stream of batches. A batch counts as written once it is completely on disk, so after a kill all
batches but the last can be read. Closed segments are Parquet files with flat columns, as ExampleGen reads them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flightline.serving.contract import Contract
from flightline.serving.input_feature import ColumnType

OPEN_SUFFIX, CLOSED_SUFFIX = ".arrows", ".parquet"
# The server's own columns start with an underscore; feature names do not.
LOG_COLUMNS = (
    ("_time_us", pa.int64()),  # when the request arrived, since the epoch
    ("_request_id", pa.string()),
    ("_row", pa.int64()),  # of the request, counted from 0
    ("_version", pa.string()),
    ("_role", pa.string()),  # current, canary
    ("_probability", pa.float32()),  # of the positive class, or of the predicted class
    ("_prediction", pa.float32()),  # of a regression
    ("_label", pa.int64()),  # 0 or 1
    ("_class", pa.string()),  # the predicted class of a multiclass model
    ("_latency_ms", pa.float32()),
    ("_shadow_version", pa.string()),
    ("_shadow_probability", pa.float32()),
    ("_shadow_prediction", pa.float32()),
    ("_shadow_class", pa.string()),
    ("_outcome", pa.string()),  # answered, invalid (violates the contract), failed
    ("_error", pa.string()),  # of an invalid or failed request, whose features are empty
)
_COLUMNS_UNUSED_BY_TASK = {
    "binary": {"_prediction", "_class", "_shadow_prediction", "_shadow_class"},
    "multiclass": {"_prediction", "_label", "_shadow_prediction"},
    "regression": {"_probability", "_label", "_class", "_shadow_probability", "_shadow_class"},
}
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {"int": pa.int64(), "float": pa.float32(), "bytes": pa.string()}


def log_schema(contract: Contract, drop_features: Sequence[str], hash_features: Sequence[str]) -> pa.Schema:
    """The columns of a log for a contract, without the dropped features; hashed features are text."""
    features = [
        pa.field(name, pa.string() if name in hash_features else _ARROW_TYPES[feature.kind])
        for name, feature in contract.features.items()
        if name not in drop_features
    ]
    unused = _COLUMNS_UNUSED_BY_TASK[contract.target.task]
    return pa.schema([*(pa.field(name, kind) for name, kind in LOG_COLUMNS if name not in unused), *features])


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The complete batches of an open segment; an incomplete last one, left by a killed process, is skipped."""
    try:
        with path.open("rb") as file, pa.ipc.open_stream(file) as reader:
            yield from reader
    except (pa.ArrowInvalid, OSError, EOFError):  # Arrow's errors for a stream that ends within a message
        return


def segment_files(folder: Path) -> list[Path]:
    """All segments, oldest first; of a segment that has both files, the closed one."""
    closed = {path.stem: path for path in folder.glob(f"*{CLOSED_SUFFIX}")}
    open_files = {path.stem: path for path in folder.glob(f"*{OPEN_SUFFIX}") if path.stem not in closed}
    return sorted([*closed.values(), *open_files.values()], key=lambda path: path.stem)


def read_log(folder: Path) -> pa.Table:
    """All rows on disk, oldest segment first; columns that a segment lacks are null there."""
    tables = []
    for path in segment_files(folder):
        if path.suffix == CLOSED_SUFFIX:
            tables.append(pq.read_table(path))
        elif batches := list(read_batches(path)):
            tables.append(pa.Table.from_batches(batches))
    return _concat_tables(tables)


def _concat_tables(tables: Sequence[pa.Table]) -> pa.Table:
    if not tables:
        return pa.table({name: pa.array([], kind) for name, kind in LOG_COLUMNS})
    schema = pa.unify_schemas([table.schema.remove_metadata() for table in tables])
    return pa.concat_tables(
        [
            pa.table(
                {
                    field.name: table[field.name]
                    if field.name in table.column_names
                    else pa.nulls(table.num_rows, field.type)
                    for field in schema
                },
                schema=schema,
            )
            for table in tables
        ]
    )


def close_segment(path: Path) -> int:
    """Convert an open segment into a closed one, and return its number of rows. An empty one is deleted."""
    batches = list(read_batches(path))
    rows = sum(batch.num_rows for batch in batches)
    target = path.with_suffix(CLOSED_SUFFIX)
    if rows and not target.exists():
        temporary = path.with_name(f".{path.stem}.tmp")
        pq.write_table(pa.Table.from_batches(batches).combine_chunks(), temporary, compression="zstd")
        temporary.replace(target)
    path.unlink(missing_ok=True)
    return rows


def delete_old_segments(folder: Path, keep_days: float, keep_mb: float, now: float | None = None) -> list[Path]:
    """Delete closed segments that are older than `keep_days`, or beyond `keep_mb` in total; return them."""
    now = time.time() if now is None else now
    files = sorted(folder.glob(f"*{CLOSED_SUFFIX}"), key=lambda path: path.stem, reverse=True)
    deleted, size = [], 0.0
    for path in files:
        stat = path.stat()
        size += stat.st_size
        if now - stat.st_mtime > keep_days * 86_400 or size > keep_mb * 1e6:
            deleted.append(path)
            path.unlink()
    return deleted
