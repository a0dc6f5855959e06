"""Extracting a window from the prediction log: its requests, and the rows whose labels arrived."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prediction_log_entries import START_US, answered_entry, failed_entry, refused_entry

from flightline.executors.window_monitor.columns import CONSTANT_ONE
from flightline.monitoring.feedback import ingest_feedback
from flightline.monitoring.window import (
    LABELLED_FILE,
    ROWS_FILE,
    _to_evaluation_label,
    extract_window,
    first_request_time,
)
from flightline.releases.server import prediction_log_folder
from flightline.serving.prediction_log import RECOVERY_FILE

SECOND = 1_000_000


def labels(tmp_path, *lines):
    file = tmp_path / f"labels-{len(list(tmp_path.glob('labels-*')))}.csv"
    file.write_text("request_id,row,late\n" + "".join(f"{line}\n" for line in lines))
    return file


def test_requests_are_counted_by_outcome(config, log, tmp_path):
    log(answered_entry("a", 0.1, 0.9), answered_entry("b", 0.4, version="8"), refused_entry("c"), failed_entry("d"))
    window = extract_window(config, START_US, START_US + 1, tmp_path / "w").window
    assert window.requests == {"answered": 2, "invalid": 1, "failed": 1}
    assert window.rows == {"7": 2, "8": 1}
    assert window.latency_ms == {"p50": 1.5, "p99": 1.5}
    rows = pq.read_table(tmp_path / "w" / ROWS_FILE)
    assert rows["_probability"].to_pylist() == [pytest.approx(0.1), pytest.approx(0.9), pytest.approx(0.4)]
    assert rows["origin"].to_pylist() == ["EWR"] * 3
    assert not (tmp_path / "w" / LABELLED_FILE).exists()


def test_the_end_of_a_window_is_exclusive(config, log, tmp_path):
    log(answered_entry("a", 0.1, at=0), answered_entry("b", 0.2, at=SECOND), answered_entry("c", 0.3, at=2 * SECOND))
    first = extract_window(config, START_US, START_US + SECOND, tmp_path / "1").window
    second = extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "2").window
    assert (first.answered_rows, second.answered_rows) == (1, 1)
    assert first_request_time(config) == START_US


def test_labels_are_joined_with_predictions_of_earlier_windows(config, log, tmp_path):
    log(answered_entry("old", 0.2, 0.7), answered_entry("new", 0.6, at=100 * SECOND))
    ingest_feedback(config, labels(tmp_path, "old,1,1", "new,0,0", "nobody,0,1"), now=(START_US + 150 * SECOND) / 1e6)
    extracted = extract_window(config, START_US + 50 * SECOND, START_US + 200 * SECOND, tmp_path / "w")
    assert extracted.window.answered_rows == 1
    assert extracted.window.labelled == {"served": {"7": 2}}
    assert extracted.window.single_class_versions == ()
    assert extracted.window.unmatched_labels == 1
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).to_pydict()
    assert rows["late"] == [1, 0]
    assert rows["_probability"] == [pytest.approx(0.7), pytest.approx(0.6)]
    assert rows["_source"] == ["served"] * 2


def test_a_shadow_is_evaluated_on_the_same_rows(config, log, tmp_path):
    log(answered_entry("a", 0.2, 0.7, shadow=("6", 0.5)))
    ingest_feedback(config, labels(tmp_path, "a,0,0", "a,1,1"), now=(START_US + 1) / 1e6)
    extracted = extract_window(config, START_US, START_US + SECOND, tmp_path / "w")
    assert extracted.window.labelled == {"served": {"7": 2}, "shadow": {"6": 2}}
    assert extracted.window.single_class_versions == ()
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).to_pydict()
    assert list(zip(rows["_source"], rows["_version"], rows["late"], strict=True)) == [
        ("served", "7", 0),
        ("served", "7", 1),
        ("shadow", "6", 0),
        ("shadow", "6", 1),
    ]


def test_versions_with_labels_of_a_single_class_are_reported(config, log, tmp_path):
    log(answered_entry("a", 0.2, 0.7), answered_entry("b", 0.2, 0.7, version="8"))
    ingest_feedback(config, labels(tmp_path, "a,0,0", "a,1,1", "b,0,1", "b,1,1"), now=(START_US + 1) / 1e6)
    assert extract_window(config, START_US, START_US + SECOND, tmp_path / "w").window.single_class_versions == ("8",)


@pytest.mark.parametrize("known", [True, False])
def test_a_multiclass_shadow_is_evaluated_on_its_own_class(config, tmp_path, known):
    """A log without the shadow's class has no shadow predictions."""
    config = config.model_copy(update={"task": "multiclass", "classes": (1, 2, 3)})
    columns = {
        "_time_us": [START_US, START_US],
        "_request_id": ["a", "a"],
        "_row": [0, 1],
        "_version": ["7", "7"],
        "_outcome": ["answered", "answered"],
        "_latency_ms": [1.0, 1.0],
        "_probability": [0.5, 0.6],
        "_class": ["1", "2"],
        "_shadow_version": ["6", None],
        "_shadow_probability": [0.9, None],
        "origin": ["EWR", "JFK"],
    }
    folder = prediction_log_folder(config)
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns | ({"_shadow_class": ["3", None]} if known else {})), folder / "1.parquet")
    ingest_feedback(config, labels(tmp_path, "a,0,3", "a,1,2"), now=(START_US + 1) / 1e6)
    extracted = extract_window(config, START_US, START_US + SECOND, tmp_path / "w")
    assert extracted.window.labelled == {"served": {"7": 2}} | ({"shadow": {"6": 1}} if known else {})
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).select(["_source", "_version", "_class", "late"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("served", "7", "1", 0),
        ("served", "7", "2", 1),
        *([("shadow", "6", "3", 1)] if known else []),
    ]


def test_a_label_that_arrives_too_late_counts_as_unmatched(config, log, tmp_path):
    log(answered_entry("old", 0.2))
    day = 86_400 * SECOND
    late = START_US + int((config.monitoring.max_label_delay_days + 1) * day)
    ingest_feedback(config, labels(tmp_path, "old,0,1"), now=(late - SECOND) / 1e6)
    window = extract_window(config, late - 2 * SECOND, late, tmp_path / "w").window
    assert (window.labelled, window.unmatched_labels) == ({}, 1)


def test_rows_lost_by_the_log_are_counted(config, log, tmp_path):
    log(answered_entry("a", 0.1))
    record = {"writer": f"{START_US + 5:017d}-abcd", "accepted_rows": 9, "recovered_rows": 5, "lost_rows": 4}
    (prediction_log_folder(config) / RECOVERY_FILE).write_text(json.dumps(record | {"dropped_rows": 2}) + "\n")
    assert extract_window(config, START_US, START_US + SECOND, tmp_path / "1").window.lost_rows == 6
    assert extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "2").window.lost_rows == 0


def test_hashed_features_are_not_compared(config, log, tmp_path):
    serving = config.serving.model_copy(
        update={"log": config.serving.log.model_copy(update={"hash_features": ("origin",)})}
    )
    log(answered_entry("a", 0.1))
    extract_window(config.model_copy(update={"serving": serving}), START_US, START_US + SECOND, tmp_path / "w")
    assert "origin" not in pq.read_schema(tmp_path / "w" / ROWS_FILE).names
    assert "dep_delay" in pq.read_schema(tmp_path / "w" / ROWS_FILE).names


def test_a_window_without_requests_is_empty(config, log, tmp_path):
    log(answered_entry("a", 0.1))
    window = extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "w").window
    assert (window.answered_rows, window.request_count, window.latency_ms) == (0, 0, {})


def test_a_binary_text_label_is_converted_to_zero_and_one(config):
    labelled = pa.table({"late": ["yes", "no", "yes"], "_probability": [0.9, 0.1, 0.8]})
    joined = _to_evaluation_label(labelled, config.model_copy(update={"positive_label": "yes"}))
    assert joined["late"].to_pylist() == [1, 0, 1]
    assert joined.schema.field("late").type == pa.int64()
    assert _to_evaluation_label(labelled, config) is labelled


@pytest.mark.parametrize(
    ("classes", "labels", "predicted"),
    [(("a", "b", "c"), ["a", "b", "x"], ["a", "c", "c"]), ((1, 2, 3), [1, 2, 9], ["1", "3", "3"])],
)
def test_a_multiclass_label_is_converted_to_whether_the_prediction_is_right(config, classes, labels, predicted):
    labelled = pa.table({"late": labels, "_class": predicted, "_probability": [0.9, 0.5, 0.8]})
    joined = _to_evaluation_label(labelled, config.model_copy(update={"task": "multiclass", "classes": classes}))
    assert joined["late"].to_pylist() == [1, 0, 0]
    assert joined[CONSTANT_ONE].to_pylist() == [1.0, 1.0, 1.0]
