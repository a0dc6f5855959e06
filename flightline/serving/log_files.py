"""The files of a prediction log: segments that are open (Arrow IPC streams) and closed (Parquet).

An open segment is a stream of batches, each whole on disk when it counts as written: of a process that was killed in
the middle of one, all before it can be read. Closed segments are Parquet with flat columns, as ExampleGen reads them.
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
# Of the server; features have their own names, which do not begin with an underscore.
LOG_COLUMNS = (
    ("_time_us", pa.int64()),  # since the epoch, when the request came
    ("_request_id", pa.string()),
    ("_row", pa.int64()),  # of the request, from 0
    ("_version", pa.string()),
    ("_role", pa.string()),  # current, canary
    ("_probability", pa.float32()),  # of 1, or of the class that was answered
    ("_prediction", pa.float32()),  # the amount
    ("_label", pa.int64()),  # 0 or 1
    ("_class", pa.string()),  # which of several
    ("_latency_ms", pa.float32()),
    ("_shadow_version", pa.string()),
    ("_shadow_probability", pa.float32()),
    ("_shadow_prediction", pa.float32()),
    ("_shadow_class", pa.string()),
    ("_outcome", pa.string()),  # answered, refused (it broke the contract), failed
    ("_error", pa.string()),  # of a request that was refused or failed; its features are empty
)
_COLUMNS_UNUSED_BY_TASK = {
    "binary": {"_prediction", "_class", "_shadow_prediction", "_shadow_class"},
    "multiclass": {"_prediction", "_label", "_shadow_prediction"},
    "regression": {"_probability", "_label", "_class", "_shadow_probability", "_shadow_class"},
}
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {"int": pa.int64(), "float": pa.float32(), "bytes": pa.string()}


def log_schema(contract: Contract, drop: Sequence[str], hashed: Sequence[str]) -> pa.Schema:
    """The columns of a log for a release's features; what is dropped has none, what is hashed is text."""
    features = [
        pa.field(name, pa.string() if name in hashed else _ARROW_TYPES[feature.kind])
        for name, feature in contract.features.items()
        if name not in drop
    ]
    left_out = _COLUMNS_UNUSED_BY_TASK[contract.target.task]
    return pa.schema([*(pa.field(name, kind) for name, kind in LOG_COLUMNS if name not in left_out), *features])


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of an open segment, or of one that a killed process left; the torn end is passed over."""
    try:
        with path.open("rb") as file, pa.ipc.open_stream(file) as reader:
            yield from reader
    except (pa.ArrowInvalid, OSError, EOFError):  # how Arrow says that the stream stops within a message
        return


def segment_files(folder: Path) -> list[Path]:
    """All segments, oldest first; a segment that is both open and closed counts as closed."""
    closed = {path.stem: path for path in folder.glob(f"*{CLOSED_SUFFIX}")}
    open_files = {path.stem: path for path in folder.glob(f"*{OPEN_SUFFIX}") if path.stem not in closed}
    return sorted([*closed.values(), *open_files.values()], key=lambda path: path.stem)


def read_log(folder: Path) -> pa.Table:
    """Every row of a log that is on disk, oldest segment first; columns that a segment lacks are empty there."""
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
    """Turns an open segment into a closed one; returns its rows. An empty one is deleted."""
    batches = list(read_batches(path))
    rows = sum(batch.num_rows for batch in batches)
    target = path.with_suffix(CLOSED_SUFFIX)
    if rows and not target.exists():
        aside = path.with_name(f".{path.stem}.aside")
        pq.write_table(pa.Table.from_batches(batches).combine_chunks(), aside, compression="zstd")
        aside.replace(target)
    path.unlink(missing_ok=True)
    return rows


def delete_old_segments(folder: Path, keep_days: float, keep_mb: float, now: float | None = None) -> list[Path]:
    """Deletes closed segments that are too old, then the oldest of those that are too much; returns them."""
    now = time.time() if now is None else now
    files = sorted(folder.glob(f"*{CLOSED_SUFFIX}"), key=lambda path: path.stem, reverse=True)
    gone, size = [], 0.0
    for path in files:
        stat = path.stat()
        size += stat.st_size
        if now - stat.st_mtime > keep_days * 86_400 or size > keep_mb * 1e6:
            gone.append(path)
            path.unlink()
    return gone
