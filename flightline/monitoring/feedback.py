"""Labels for logged predictions: read from a file, validated row by row, and stored until monitoring joins them."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

import flightline.executors.example_gen.disable_pickle  # noqa: F401 - before any file is read
from flightline.config.schema_file import read_feature_types, read_schema
from flightline.config.settings import Config
from flightline.errors import ConfigError, InputError
from flightline.executors.example_gen.column_types import is_text, parse_values
from flightline.releases.signature import find_negative_label
from flightline.serving.input_feature import ColumnType
from flightline.utils.files import atomic_write, make_private_folder
from flightline.utils.suggestions import suggest_names

REQUEST_ID_COLUMN, ROW_COLUMN = "request_id", "row"
ARRIVAL_TIME_COLUMN = "_arrived_us"
_UNPARSABLE = object()  # stands for a value that is not of the column's type
_NAN_TEXT = r"(?i)^\s*([+-]?nan)?\s*$"
_MISSING: dict[ColumnType, str] = {"int": _NAN_TEXT, "float": _NAN_TEXT, "bytes": "^$"}
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {"int": pa.int64(), "float": pa.float32(), "bytes": pa.string()}


@dataclass(frozen=True)
class FeedbackResult:
    """What happened to the rows of a feedback file.

    Attributes:
        rows_read: rows of the file.
        ingested: rows whose label was stored.
        rejected: reason → rows.
        file: where the labels are stored.
        duplicate: whether the same file was ingested before; nothing was changed then.
    """

    rows_read: int
    ingested: int
    rejected: dict[str, int]
    file: Path
    duplicate: bool = False


def feedback_folder(config: Config) -> Path:
    """The folder with the labels of a pipeline."""
    return config.workspace / "feedback" / config.name


def ingest_feedback(config: Config, file: Path, now: float | None = None) -> FeedbackResult:
    """Store the labels of a CSV or Parquet file; write rejected rows to a file next to them.

    Args:
        config: names the label and its values.
        file: has the columns `request_id`, the label and, for requests of several rows, `row` (0 is the first).
        now: the arrival time, seconds since the epoch; the current time by default.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    table = _read_feedback_file(file)
    for name in (REQUEST_ID_COLUMN, config.label):
        if name not in table.column_names:
            raise InputError(f"{file} has no column {name}", suggest_names(name, table.column_names))
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    folder = feedback_folder(config)
    make_private_folder(config.workspace)
    folder.parent.mkdir(exist_ok=True)
    make_private_folder(folder)
    for existing in folder.glob(f"*-{digest}.parquet"):
        return FeedbackResult(table.num_rows, 0, {}, existing, duplicate=True)
    columns, reasons = _validate_rows(table, config.label, _label_type(config), label_domain(config))
    valid = pa.array([reason is None for reason in reasons], pa.bool_())
    arrived = int((time.time() if now is None else now) * 1e6)
    labels = pa.table({**columns, ARRIVAL_TIME_COLUMN: pa.array([arrived] * table.num_rows, pa.int64())}).filter(valid)
    target = folder / f"{arrived:017d}-{digest}.parquet"
    rejected = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons) if reason is not None}
    if rejected:
        atomic_write(target.with_suffix(".rejected.csv"), _rejected_csv(table, reasons))
    temporary = target.with_name(f".{target.name}")
    pq.write_table(labels, temporary)
    temporary.replace(target)  # last, so that an interrupted ingestion can be repeated with the same file
    return FeedbackResult(table.num_rows, labels.num_rows, rejected, target)


def read_labels(config: Config, since: int, until: int) -> pa.Table:
    """The labels that arrived in a time window; of several labels for one row, the last.

    Args:
        config: the pipeline.
        since, until: microseconds since the epoch; the end is exclusive.

    Returns:
        Columns `_request_id`, `_row` and the label.
    """
    files = sorted(feedback_folder(config).glob("*.parquet"))
    wanted = [file for file in files if since <= int(file.name.partition("-")[0]) < until]
    if not wanted:
        empty = {"_request_id": pa.string(), "_row": pa.int64(), config.label: _ARROW_TYPES[_label_type(config)]}
        return pa.table({name: pa.array([], kind) for name, kind in empty.items()})
    labels = pa.concat_tables([pq.read_table(file) for file in wanted])
    superseded = labels.select(["_request_id", "_row"]).to_pandas().duplicated(keep="last")
    return labels.filter(pa.array(~superseded)).drop([ARRIVAL_TIME_COLUMN])


def label_domain(config: Config) -> frozenset[object] | None:
    """The values that the label may have; None for regression, and where the schema does not name both values."""
    if config.task == "multiclass":
        return frozenset(config.classes)
    if config.task == "regression":
        return None
    if config.positive_label is None:
        return frozenset((0, 1))
    negative = find_negative_label(read_schema(config.schema_file), config.label, config.positive_label)
    return frozenset((negative, config.positive_label)) if negative is not None else None


def _label_type(config: Config) -> ColumnType:
    types = read_feature_types(config.schema_file)
    if config.label not in types:
        raise ConfigError(f"label: {config.label} is not in the schema {config.schema_file}")
    return types[config.label]


def _read_feedback_file(file: Path) -> pa.Table:
    """The columns of the file; those of a CSV as text, so that no type inference changes a request id."""
    try:
        if file.suffix in {".parquet", ".pq"}:
            return pq.read_table(file)
        with pa.csv.open_csv(file) as peek:
            names = peek.schema.names
        as_text = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
        return pa.csv.read_csv(file, convert_options=as_text)
    except (OSError, pa.ArrowException) as error:
        detail = " ".join(str(error).split())
        raise InputError(
            f"{file} cannot be read: {detail}", "provide a CSV file with a header, or a Parquet file"
        ) from error


def _validate_rows(
    table: pa.Table, label: str, kind: ColumnType, domain: frozenset[object] | None
) -> tuple[dict[str, pa.Array], list[str | None]]:
    """The typed columns, and for each row the reason to reject it, or None."""
    requests = table[REQUEST_ID_COLUMN].cast(pa.string()).combine_chunks()
    rows = _read_values(table[ROW_COLUMN], "int") if ROW_COLUMN in table.column_names else [0] * table.num_rows
    labels = _read_values(table[label], kind)
    triples = list(zip(requests.to_pylist(), rows, labels, strict=True))
    reasons = [_reject_reason(*triple, domain) for triple in triples]
    usable = [triple if reason is None else (None, None, None) for triple, reason in zip(triples, reasons, strict=True)]
    columns = {
        "_request_id": requests,
        "_row": pa.array([row for _, row, _ in usable], pa.int64()),
        label: pa.array([value for _, _, value in usable], _ARROW_TYPES[kind]),
    }
    return columns, reasons


def _reject_reason(request: str | None, row: Any, label: Any, domain: frozenset[object] | None) -> str | None:
    if not request:
        return "missing_request_id"
    if row is None or row is _UNPARSABLE or row < 0:
        return "invalid_row"
    if label is None:
        return "missing_label"
    if label is _UNPARSABLE:
        return "unparsable_label"
    if isinstance(label, float) and math.isinf(label):
        return "infinite_label"
    if domain is not None and label not in domain:
        return "unknown_label"
    return None


def _read_values(column: pa.ChunkedArray, kind: ColumnType) -> list[Any]:
    """The values as ExampleGen reads them; None for null, an empty text and NaN, `_UNPARSABLE` for other forms."""
    values = column.combine_chunks()
    if is_text(values.type):
        values = pc.cast(values, pa.string())
        values = pc.if_else(pc.match_substring_regex(values, _MISSING[kind]), pa.scalar(None, pa.string()), values)
    elif pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    parsed = parse_values(values.drop_null(), kind)
    present = iter(zip(parsed.values.tolist(), parsed.bad.tolist(), strict=True))
    result: list[Any] = [None] * len(values)
    for index in np.flatnonzero(pc.is_valid(values).to_numpy(zero_copy_only=False)):
        value, bad = next(present)
        result[index] = _UNPARSABLE if bad else value.decode("utf-8") if kind == "bytes" else value
    return result


def _rejected_csv(table: pa.Table, reasons: Sequence[str | None]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file_row", "reason", *table.column_names])
    writer.writerows(_rejected_rows(table, reasons))
    return text.getvalue()


def _rejected_rows(table: pa.Table, reasons: Sequence[str | None]) -> Iterator[list[object]]:
    for number, (reason, row) in enumerate(zip(reasons, table.to_pylist(), strict=True), 1):
        if reason is not None:
            yield [number, reason, *row.values()]
