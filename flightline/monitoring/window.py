"""A window of the prediction log as files for ExampleGen: the answered rows, and the rows whose label has arrived."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flightline.config.settings import Config
from flightline.executors.window_monitor.columns import (
    CLASS,
    CONSTANT_ONE,
    PREDICTION,
    PROBABILITY,
    SERVED,
    SHADOW,
    SOURCE,
    VERSION,
)
from flightline.executors.window_monitor.measures import Window
from flightline.monitoring.feedback import read_labels
from flightline.releases.server import prediction_log_folder
from flightline.serving.log_files import LOG_COLUMNS, read_log
from flightline.serving.prediction_log import RECOVERY_FILE

ROWS_FILE, LABELLED_FILE = "served.parquet", "labelled.parquet"
_MICROSECONDS_PER_DAY = 86_400_000_000
_JOIN_KEY = ["_request_id", "_row"]


@dataclass(frozen=True)
class WindowFiles:
    """The files of a window.

    Attributes:
        window: its bounds, and what happened to its requests.
        folder: contains `served.parquet` and, if `labelled`, `labelled.parquet`.
        labelled: whether any label arrived.
    """

    window: Window
    folder: Path
    labelled: bool


def extract_window(config: Config, since: int, until: int, folder: Path) -> WindowFiles:
    """Write the files of a window.

    The labelled rows are those whose label arrived within the window, up to `monitoring.max_label_delay_days` after
    the prediction.

    Args:
        config: the pipeline.
        since, until: microseconds since the epoch; the end is exclusive.
        folder: is created; must not exist.
    """
    folder.mkdir(parents=True)
    oldest = min(since, until - int(config.monitoring.max_label_delay_days * _MICROSECONDS_PER_DAY))
    log = _filter_time_range(_drop_hashed_columns(config, read_log(prediction_log_folder(config))), oldest, until)
    inside = _filter_time_range(log, since, until)
    answered = _filter_answered(inside)
    window = Window(
        since,
        until,
        rows=_value_counts(answered[VERSION]),
        requests=_count_requests(inside),
        lost_rows=_count_lost_rows(prediction_log_folder(config), since, until),
        latency_ms=_latency_percentiles(answered),
    )
    pq.write_table(_prediction_table(config, answered, SERVED), folder / ROWS_FILE)
    labels = read_labels(config, since, until)
    joined = _join_labels(_filter_answered(log), labels, config.label)
    labelled = _to_evaluation_label(joined, config)
    window = replace(window, unmatched_labels=labels.num_rows - labelled.num_rows)
    if labelled.num_rows:
        both = pa.concat_tables([_prediction_table(config, labelled, SERVED), _shadow_predictions(config, joined)])
        pq.write_table(both, folder / LABELLED_FILE)
        counts = {
            source: _value_counts(both.filter(pc.equal(both[SOURCE], source))[VERSION]) for source in (SERVED, SHADOW)
        }
        window = replace(
            window,
            labelled={source: rows for source, rows in counts.items() if rows},
            single_class_versions=_single_class_versions(both, config.label) if config.task == "binary" else (),
        )
    return WindowFiles(window, folder, labelled.num_rows > 0)


def first_request_time(config: Config) -> int | None:
    """The time of the oldest logged request, microseconds since the epoch; None if the log is empty."""
    times = read_log(prediction_log_folder(config))["_time_us"]
    return pc.min(times).as_py() if len(times) else None


def _filter_answered(log: pa.Table) -> pa.Table:
    return log.filter(pc.equal(log["_outcome"], "answered"))


def _drop_hashed_columns(config: Config, log: pa.Table) -> pa.Table:
    """Drop the features that are logged as hashes: their distribution always differs from the training data."""
    return log.drop([name for name in config.serving.log.hash_features if name in log.column_names])


def _filter_time_range(log: pa.Table, since: int, until: int) -> pa.Table:
    times = log["_time_us"]
    return log.filter(pc.and_(pc.greater_equal(times, since), pc.less(times, until)))


def _value_counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {str(one["values"]): one["counts"] for one in values.value_counts().to_pylist()}


def _count_requests(inside: pa.Table) -> dict[str, int]:
    """Outcome → requests. The log has one line for each row of a request, or one if there was no prediction."""
    first_rows = inside.filter(pc.equal(inside["_row"], 0))
    return {"answered": 0, "invalid": 0, "failed": 0, **_value_counts(first_rows["_outcome"])}


def _latency_percentiles(answered: pa.Table) -> dict[str, float]:
    first_rows = answered.filter(pc.equal(answered["_row"], 0))["_latency_ms"]
    if not len(first_rows):
        return {}
    p50, p99 = pc.quantile(first_rows, [0.5, 0.99]).to_pylist()
    return {"p50": round(p50, 3), "p99": round(p99, 3)}


def _feature_columns(table: pa.Table, exclude: Collection[str] = ()) -> dict[str, pa.ChunkedArray]:
    log_columns = {name for name, _ in LOG_COLUMNS}
    return {name: table[name] for name in table.column_names if name not in log_columns and name not in exclude}


def prediction_columns(config: Config) -> tuple[str, ...]:
    """The log columns of a prediction: its value, and its class for a multiclass model."""
    match config.task:
        case "regression":
            return (PREDICTION,)
        case "multiclass":
            return (PROBABILITY, CLASS)
    return (PROBABILITY,)


def _prediction_table(config: Config, table: pa.Table, source: str) -> pa.Table:
    predictions = {name: table[name] for name in prediction_columns(config)}
    if CONSTANT_ONE in table.column_names:
        predictions[CONSTANT_ONE] = table[CONSTANT_ONE]
    sources = pa.array([source] * table.num_rows, pa.string())
    features = _feature_columns(table, {CONSTANT_ONE})
    return pa.table({**features, **predictions, VERSION: table[VERSION], SOURCE: sources})


def _shadow_predictions(config: Config, joined: pa.Table) -> pa.Table:
    """The rows that a shadow predicted as well, with the shadow's predictions."""
    for name in (*prediction_columns(config), VERSION):
        index, shadow_name = joined.schema.get_field_index(name), f"_shadow{name}"
        present = shadow_name in joined.column_names
        values = joined[shadow_name] if present else pa.nulls(joined.num_rows, joined[name].type)
        joined = joined.set_column(index, name, values).filter(pc.is_valid(values))
    return _prediction_table(config, _to_evaluation_label(joined, config), SHADOW)


def _single_class_versions(table: pa.Table, label: str) -> tuple[str, ...]:
    """The versions whose labels all have the same value."""
    values = table.group_by(VERSION).aggregate([(label, "count_distinct")])
    single = values.filter(pc.less(values[f"{label}_count_distinct"], 2))
    return tuple(sorted(str(version) for version in single[VERSION].to_pylist()))


def _join_labels(log: pa.Table, labels: pa.Table, label: str) -> pa.Table:
    """The logged rows that have a label, each once, in the order of the log."""
    keys = log.select(_JOIN_KEY).to_pandas()
    keys["_number"] = range(len(keys))
    pairs = keys.merge(labels.to_pandas(), on=_JOIN_KEY).drop_duplicates(_JOIN_KEY).sort_values("_number")
    rows = log.take(pa.array(pairs["_number"], pa.int64()))
    return rows.append_column(label, pa.array(pairs[label], labels.schema.field(label).type))


def _to_evaluation_label(labelled: pa.Table, config: Config) -> pa.Table:
    """Convert the label for evaluation: a number for regression, else 0 or 1.

    For a multiclass model, 1 means that the predicted class is right.
    """
    index = labelled.schema.get_field_index(config.label)
    kind = labelled.schema.field(index).type
    if config.task == "multiclass":
        truth = pc.index_in(labelled[config.label], value_set=pa.array(config.classes, kind))
        predicted = pc.index_in(labelled[CLASS], value_set=pa.array(map(str, config.classes), pa.string()))
        correct = pc.fill_null(pc.equal(truth, predicted), False)
        labelled = labelled.set_column(index, config.label, correct.cast(pa.int64()))
        return labelled.append_column(CONSTANT_ONE, pa.array([1.0] * labelled.num_rows, pa.float32()))
    if config.positive_label is None:
        return labelled
    positive = pc.equal(labelled[config.label], pa.scalar(config.positive_label, kind))
    return labelled.set_column(index, config.label, positive.cast(pa.int64()))


def _count_lost_rows(folder: Path, since: int, until: int) -> int:
    """The rows dropped or lost by log writers that started in the window."""
    lost = 0
    try:
        records = [json.loads(line) for line in (folder / RECOVERY_FILE).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        records = []
    for record in records:
        if since <= int(str(record["writer"]).partition("-")[0]) < until:
            lost += int(record["lost_rows"]) + int(record.get("dropped_rows", 0))
    return lost
