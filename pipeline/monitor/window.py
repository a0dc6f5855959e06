"""A window of the prediction log as files that ExampleGen reads: the answered rows, and those whose label came back."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import Config
from pipeline.monitor.feedback import labels_arrived
from pipeline.monitor.measures import Window
from pipeline.serving import prediction_log_folder
from serving.log_files import OURS, read_log
from serving.prediction_log import RECOVERED

PROBABILITY, AMOUNT, CLASS = "_probability", "_prediction", "_class"  # what was answered, as the log has it
VERSION, ANSWER = "_version", "_answer"
CERTAIN = "_certain"  # 1.0: that the answered class is the label, which is then 1 or 0
SERVED, SHADOW = "served", "shadow"  # values of `_answer`: was it returned, or given aside
ROWS_FILE, LABELLED_FILE = "served.parquet", "labelled.parquet"
_DAY_US = 86_400_000_000
_KEY = ["_request_id", "_row"]


@dataclass(frozen=True)
class Extracted:
    """The files of a window.

    Attributes:
        window: what became of its requests.
        folder: holds `served.parquet` and, where `labelled`, `labelled.parquet`.
    """

    window: Window
    folder: Path
    labelled: bool


def extract(config: Config, since: int, until: int, folder: Path) -> Extracted:
    """Writes the files of the window from `since` to `until`, microseconds since the epoch.

    Labelled are the answers of the last `monitoring.label_days` whose label came back within the window, whenever they
    were given.

    Args:
        folder: a new one.
    """
    folder.mkdir(parents=True)
    oldest = min(since, until - int(config.monitoring.label_days * _DAY_US))
    log = _between(_without_hashed(config, read_log(prediction_log_folder(config))), oldest, until)
    inside = _between(log, since, until)
    answered = _answered(inside)
    window = Window(
        since,
        until,
        rows=_counts(answered[VERSION]),
        requests=_requests(inside),
        lost=_lost(prediction_log_folder(config), since, until),
        latency_ms=_latency(answered),
    )
    pq.write_table(_answers(config, answered, SERVED), folder / ROWS_FILE)
    labels = labels_arrived(config, since, until)
    joined = _joined(_answered(log), labels, config.label)
    labelled = _as_learnt(joined, config)
    window = replace(window, unmatched=labels.num_rows - labelled.num_rows)
    if labelled.num_rows:
        together = pa.concat_tables([_answers(config, labelled, SERVED), _shadowed(config, joined)])
        pq.write_table(together, folder / LABELLED_FILE)
        counts = {
            answer: _counts(together.filter(pc.equal(together[ANSWER], answer))[VERSION]) for answer in (SERVED, SHADOW)
        }
        window = replace(
            window,
            labelled={answer: rows for answer, rows in counts.items() if rows},
            one_class=_one_class(together, config.label) if config.task == "binary" else (),
        )
    return Extracted(window, folder, labelled.num_rows > 0)


def first_time(config: Config) -> int | None:
    """When the oldest request on record came, microseconds since the epoch; None where there is none."""
    times = read_log(prediction_log_folder(config))["_time_us"]
    return pc.min(times).as_py() if len(times) else None


def _answered(log: pa.Table) -> pa.Table:
    return log.filter(pc.equal(log["_outcome"], "answered"))


def _without_hashed(config: Config, log: pa.Table) -> pa.Table:
    """What is kept as a hash has another distribution by construction: nothing can be said of it."""
    return log.drop([name for name in config.serving.log.hash if name in log.column_names])


def _between(log: pa.Table, since: int, until: int) -> pa.Table:
    times = log["_time_us"]
    return log.filter(pc.and_(pc.greater_equal(times, since), pc.less(times, until)))


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {str(one["values"]): one["counts"] for one in values.value_counts().to_pylist()}


def _requests(inside: pa.Table) -> dict[str, int]:
    """By outcome. A request has a row for each of its rows, and one where it got no answer."""
    first_rows = inside.filter(pc.equal(inside["_row"], 0))
    return {"answered": 0, "refused": 0, "failed": 0, **_counts(first_rows["_outcome"])}


def _latency(answered: pa.Table) -> dict[str, float]:
    first_rows = answered.filter(pc.equal(answered["_row"], 0))["_latency_ms"]
    if not len(first_rows):
        return {}
    p50, p99 = pc.quantile(first_rows, [0.5, 0.99]).to_pylist()
    return {"p50": round(p50, 3), "p99": round(p99, 3)}


def _features(table: pa.Table, but: Collection[str] = ()) -> dict[str, pa.ChunkedArray]:
    ours = {name for name, _ in OURS}
    return {name: table[name] for name in table.column_names if name not in ours and name not in but}


def answer_columns(config: Config) -> tuple[str, ...]:
    """The columns of an answer: its number, and its class where there are several."""
    match config.task:
        case "regression":
            return (AMOUNT,)
        case "multiclass":
            return (PROBABILITY, CLASS)
    return (PROBABILITY,)


def _answers(config: Config, table: pa.Table, role: str) -> pa.Table:
    answers = {name: table[name] for name in answer_columns(config)}
    more = {CERTAIN: table[CERTAIN]} if CERTAIN in table.column_names else {}
    roles = pa.array([role] * table.num_rows, pa.string())
    return pa.table({**_features(table, {CERTAIN}), **answers, **more, VERSION: table[VERSION], ANSWER: roles})


def _shadowed(config: Config, joined: pa.Table) -> pa.Table:
    """The same rows as the shadow answered them, where one did. An older log lacks the class that it gave."""
    for name in (*answer_columns(config), VERSION):
        place, aside = joined.schema.get_field_index(name), f"_shadow{name}"
        given = joined[aside] if aside in joined.column_names else pa.nulls(joined.num_rows, joined[name].type)
        joined = joined.set_column(place, name, given).filter(pc.is_valid(given))
    return _answers(config, _as_learnt(joined, config), SHADOW)


def _one_class(table: pa.Table, label: str) -> tuple[str, ...]:
    """The versions whose labels are all the same."""
    values = table.group_by(VERSION).aggregate([(label, "count_distinct")])
    alone = values.filter(pc.less(values[f"{label}_count_distinct"], 2))
    return tuple(sorted(str(version) for version in alone[VERSION].to_pylist()))


def _joined(answers: pa.Table, labels: pa.Table, label: str) -> pa.Table:
    """The answers with a label, each once, in the order of the log."""
    keys = answers.select(_KEY).to_pandas()
    keys["_number"] = range(len(keys))
    pairs = keys.merge(labels.to_pandas(), on=_KEY).drop_duplicates(_KEY).sort_values("_number")
    rows = answers.take(pa.array(pairs["_number"], pa.int64()))
    return rows.append_column(label, pa.array(pairs[label], labels.schema.field(label).type))


def _as_learnt(labelled: pa.Table, config: Config) -> pa.Table:
    """The label as it is evaluated: the amount, 0 or 1, or whether it is the class that was answered."""
    place = labelled.schema.get_field_index(config.label)
    kind = labelled.schema.field(place).type
    if config.task == "multiclass":
        truth = pc.index_in(labelled[config.label], value_set=pa.array(config.classes, kind))
        answered = pc.index_in(labelled[CLASS], value_set=pa.array(map(str, config.classes), pa.string()))
        right = pc.fill_null(pc.equal(truth, answered), False)
        labelled = labelled.set_column(place, config.label, right.cast(pa.int64()))
        return labelled.append_column(CERTAIN, pa.array([1.0] * labelled.num_rows, pa.float32()))
    if config.positive is None:
        return labelled
    positive = pc.equal(labelled[config.label], pa.scalar(config.positive, kind))
    return labelled.set_column(place, config.label, positive.cast(pa.int64()))


def _lost(folder: Path, since: int, until: int) -> int:
    """Rows that writers of the log dropped or lost, of those that began in the window."""
    lost = 0
    try:
        notes = [json.loads(line) for line in (folder / RECOVERED).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        notes = []
    for note in notes:
        if since <= int(str(note["writer"]).partition("-")[0]) < until:
            lost += int(note["lost"]) + int(note.get("dropped", 0))
    return lost
