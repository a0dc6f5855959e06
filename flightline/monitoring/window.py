"""A window of the prediction log as files that ExampleGen reads: the answered rows, and those whose label came back."""

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
    ANSWER,
    CLASS,
    CONSTANT_ONE,
    PREDICTION,
    PROBABILITY,
    SERVED,
    SHADOW,
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
        window: what became of its requests.
        folder: holds `served.parquet` and, where `labelled`, `labelled.parquet`.
    """

    window: Window
    folder: Path
    labelled: bool


def extract_window(config: Config, since: int, until: int, folder: Path) -> WindowFiles:
    """Writes the files of the window from `since` to `until`, microseconds since the epoch.

    Labelled are the answers of the last `monitoring.max_label_delay_days` whose label came back within the window, whenever they
    were given.

    Args:
        folder: a new one.
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
        lost=_count_lost_rows(prediction_log_folder(config), since, until),
        latency_ms=_latency_percentiles(answered),
    )
    pq.write_table(_answer_table(config, answered, SERVED), folder / ROWS_FILE)
    labels = read_labels(config, since, until)
    joined = _join_labels(_filter_answered(log), labels, config.label)
    labelled = _to_evaluation_label(joined, config)
    window = replace(window, unmatched_labels=labels.num_rows - labelled.num_rows)
    if labelled.num_rows:
        together = pa.concat_tables([_answer_table(config, labelled, SERVED), _shadow_answers(config, joined)])
        pq.write_table(together, folder / LABELLED_FILE)
        counts = {
            answer: _value_counts(together.filter(pc.equal(together[ANSWER], answer))[VERSION])
            for answer in (SERVED, SHADOW)
        }
        window = replace(
            window,
            labelled={answer: rows for answer, rows in counts.items() if rows},
            single_class_versions=_single_class_versions(together, config.label) if config.task == "binary" else (),
        )
    return WindowFiles(window, folder, labelled.num_rows > 0)


def first_request_time(config: Config) -> int | None:
    """When the oldest request on record came, microseconds since the epoch; None where there is none."""
    times = read_log(prediction_log_folder(config))["_time_us"]
    return pc.min(times).as_py() if len(times) else None


def _filter_answered(log: pa.Table) -> pa.Table:
    return log.filter(pc.equal(log["_outcome"], "answered"))


def _drop_hashed_columns(config: Config, log: pa.Table) -> pa.Table:
    """What is kept as a hash has another distribution by construction: nothing can be said of it."""
    return log.drop([name for name in config.serving.log.hash if name in log.column_names])


def _filter_time_range(log: pa.Table, since: int, until: int) -> pa.Table:
    times = log["_time_us"]
    return log.filter(pc.and_(pc.greater_equal(times, since), pc.less(times, until)))


def _value_counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {str(one["values"]): one["counts"] for one in values.value_counts().to_pylist()}


def _count_requests(inside: pa.Table) -> dict[str, int]:
    """By outcome. A request has a row for each of its rows, and one where it got no answer."""
    first_rows = inside.filter(pc.equal(inside["_row"], 0))
    return {"answered": 0, "refused": 0, "failed": 0, **_value_counts(first_rows["_outcome"])}


def _latency_percentiles(answered: pa.Table) -> dict[str, float]:
    first_rows = answered.filter(pc.equal(answered["_row"], 0))["_latency_ms"]
    if not len(first_rows):
        return {}
    p50, p99 = pc.quantile(first_rows, [0.5, 0.99]).to_pylist()
    return {"p50": round(p50, 3), "p99": round(p99, 3)}


def _feature_columns(table: pa.Table, but: Collection[str] = ()) -> dict[str, pa.ChunkedArray]:
    ours = {name for name, _ in LOG_COLUMNS}
    return {name: table[name] for name in table.column_names if name not in ours and name not in but}


def answer_columns(config: Config) -> tuple[str, ...]:
    """The columns of an answer: its number, and its class where there are several."""
    match config.task:
        case "regression":
            return (PREDICTION,)
        case "multiclass":
            return (PROBABILITY, CLASS)
    return (PROBABILITY,)


def _answer_table(config: Config, table: pa.Table, role: str) -> pa.Table:
    answers = {name: table[name] for name in answer_columns(config)}
    more = {CONSTANT_ONE: table[CONSTANT_ONE]} if CONSTANT_ONE in table.column_names else {}
    roles = pa.array([role] * table.num_rows, pa.string())
    return pa.table(
        {**_feature_columns(table, {CONSTANT_ONE}), **answers, **more, VERSION: table[VERSION], ANSWER: roles}
    )


def _shadow_answers(config: Config, joined: pa.Table) -> pa.Table:
    """The same rows as the shadow answered them, where one did. An older log lacks the class that it gave."""
    for name in (*answer_columns(config), VERSION):
        place, aside = joined.schema.get_field_index(name), f"_shadow{name}"
        given = joined[aside] if aside in joined.column_names else pa.nulls(joined.num_rows, joined[name].type)
        joined = joined.set_column(place, name, given).filter(pc.is_valid(given))
    return _answer_table(config, _to_evaluation_label(joined, config), SHADOW)


def _single_class_versions(table: pa.Table, label: str) -> tuple[str, ...]:
    """The versions whose labels are all the same."""
    values = table.group_by(VERSION).aggregate([(label, "count_distinct")])
    alone = values.filter(pc.less(values[f"{label}_count_distinct"], 2))
    return tuple(sorted(str(version) for version in alone[VERSION].to_pylist()))


def _join_labels(answers: pa.Table, labels: pa.Table, label: str) -> pa.Table:
    """The answers with a label, each once, in the order of the log."""
    keys = answers.select(_JOIN_KEY).to_pandas()
    keys["_number"] = range(len(keys))
    pairs = keys.merge(labels.to_pandas(), on=_JOIN_KEY).drop_duplicates(_JOIN_KEY).sort_values("_number")
    rows = answers.take(pa.array(pairs["_number"], pa.int64()))
    return rows.append_column(label, pa.array(pairs[label], labels.schema.field(label).type))


def _to_evaluation_label(labelled: pa.Table, config: Config) -> pa.Table:
    """The label as it is evaluated: the amount, 0 or 1, or whether it is the class that was answered."""
    place = labelled.schema.get_field_index(config.label)
    kind = labelled.schema.field(place).type
    if config.task == "multiclass":
        truth = pc.index_in(labelled[config.label], value_set=pa.array(config.classes, kind))
        answered = pc.index_in(labelled[CLASS], value_set=pa.array(map(str, config.classes), pa.string()))
        right = pc.fill_null(pc.equal(truth, answered), False)
        labelled = labelled.set_column(place, config.label, right.cast(pa.int64()))
        return labelled.append_column(CONSTANT_ONE, pa.array([1.0] * labelled.num_rows, pa.float32()))
    if config.positive_label is None:
        return labelled
    positive = pc.equal(labelled[config.label], pa.scalar(config.positive_label, kind))
    return labelled.set_column(place, config.label, positive.cast(pa.int64()))


def _count_lost_rows(folder: Path, since: int, until: int) -> int:
    """Rows that writers of the log dropped or lost, of those that began in the window."""
    lost = 0
    try:
        notes = [json.loads(line) for line in (folder / RECOVERY_FILE).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        notes = []
    for note in notes:
        if since <= int(str(note["writer"]).partition("-")[0]) < until:
            lost += int(note["lost"]) + int(note.get("dropped", 0))
    return lost
