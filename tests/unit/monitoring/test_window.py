"""A window of the log: which requests are in it, and which answers their labels come back for."""

from __future__ import annotations

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


def test_requests_are_counted_by_what_became_of_them(config, log, tmp_path):
    log(answered_entry("a", 0.1, 0.9), answered_entry("b", 0.4, version="8"), refused_entry("c"), failed_entry("d"))
    window = extract_window(config, START_US, START_US + 1, tmp_path / "w").window
    assert window.requests == {"answered": 2, "refused": 1, "failed": 1}
    assert window.rows == {"7": 2, "8": 1}
    assert window.latency_ms == {"p50": 1.5, "p99": 1.5}
    rows = pq.read_table(tmp_path / "w" / ROWS_FILE)
    assert rows["_probability"].to_pylist() == [pytest.approx(0.1), pytest.approx(0.9), pytest.approx(0.4)]
    assert rows["origin"].to_pylist() == ["EWR"] * 3
    assert not (tmp_path / "w" / LABELLED_FILE).exists()


def test_the_end_of_a_window_is_the_begin_of_the_next(config, log, tmp_path):
    log(answered_entry("a", 0.1, at=0), answered_entry("b", 0.2, at=SECOND), answered_entry("c", 0.3, at=2 * SECOND))
    first = extract_window(config, START_US, START_US + SECOND, tmp_path / "1").window
    second = extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "2").window
    assert (first.answered, second.answered) == (1, 1)
    assert first_request_time(config) == START_US


def test_labels_meet_their_answers_whenever_they_were_given(config, log, tmp_path):
    log(answered_entry("old", 0.2, 0.7), answered_entry("new", 0.6, at=100 * SECOND))
    ingest_feedback(config, labels(tmp_path, "old,1,1", "new,0,0", "nobody,0,1"), now=(START_US + 150 * SECOND) / 1e6)
    extracted = extract_window(config, START_US + 50 * SECOND, START_US + 200 * SECOND, tmp_path / "w")
    assert extracted.window.answered == 1
    assert extracted.window.labelled == {"served": {"7": 2}}
    assert extracted.window.single_class_versions == ()
    assert extracted.window.unmatched_labels == 1
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).to_pydict()
    assert rows["late"] == [1, 0]
    assert rows["_probability"] == [pytest.approx(0.7), pytest.approx(0.6)]
    assert rows["_answer"] == ["served"] * 2


def test_a_shadow_is_judged_on_the_same_rows(config, log, tmp_path):
    log(answered_entry("a", 0.2, 0.7, shadow=("6", 0.5)))
    ingest_feedback(config, labels(tmp_path, "a,0,0", "a,1,1"), now=(START_US + 1) / 1e6)
    extracted = extract_window(config, START_US, START_US + SECOND, tmp_path / "w")
    assert extracted.window.labelled == {"served": {"7": 2}, "shadow": {"6": 2}}
    assert extracted.window.single_class_versions == ()
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).to_pydict()
    assert list(zip(rows["_answer"], rows["_version"], rows["late"], strict=True)) == [
        ("served", "7", 0),
        ("served", "7", 1),
        ("shadow", "6", 0),
        ("shadow", "6", 1),
    ]


def test_versions_whose_labels_are_all_the_same_are_named(config, log, tmp_path):
    log(answered_entry("a", 0.2, 0.7), answered_entry("b", 0.2, 0.7, version="8"))
    ingest_feedback(config, labels(tmp_path, "a,0,0", "a,1,1", "b,0,1", "b,1,1"), now=(START_US + 1) / 1e6)
    assert extract_window(config, START_US, START_US + SECOND, tmp_path / "w").window.single_class_versions == ("8",)


@pytest.mark.parametrize("known", [True, False])
def test_of_classes_the_shadow_is_judged_by_the_one_that_it_gave(config, tmp_path, known):
    """A log that was written before shadows' classes were kept tells nothing of shadows."""
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
    rows = pq.read_table(tmp_path / "w" / LABELLED_FILE).select(["_answer", "_version", "_class", "late"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("served", "7", "1", 0),
        ("served", "7", "2", 1),
        *([("shadow", "6", "3", 1)] if known else []),
    ]


def test_an_answer_that_is_too_old_for_its_label_counts_as_unmatched(config, log, tmp_path):
    log(answered_entry("old", 0.2))
    day = 86_400 * SECOND
    late = START_US + int((config.monitoring.max_label_delay_days + 1) * day)
    ingest_feedback(config, labels(tmp_path, "old,0,1"), now=(late - SECOND) / 1e6)
    window = extract_window(config, late - 2 * SECOND, late, tmp_path / "w").window
    assert (window.labelled, window.unmatched_labels) == ({}, 1)


def test_rows_that_the_log_lost_are_counted(config, log, tmp_path):
    log(answered_entry("a", 0.1))
    note = f'{{"writer": "{START_US + 5:017d}-abcd", "accepted": 9, "recovered": 5, "lost": 4, "dropped": 2}}\n'
    (prediction_log_folder(config) / RECOVERY_FILE).write_text(note)
    assert extract_window(config, START_US, START_US + SECOND, tmp_path / "1").window.lost == 6
    assert extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "2").window.lost == 0


def test_what_is_kept_as_a_hash_is_not_compared(config, log, tmp_path):
    serving = config.serving.model_copy(update={"log": config.serving.log.model_copy(update={"hash": ("origin",)})})
    log(answered_entry("a", 0.1))
    extract_window(config.model_copy(update={"serving": serving}), START_US, START_US + SECOND, tmp_path / "w")
    assert "origin" not in pq.read_schema(tmp_path / "w" / ROWS_FILE).names
    assert "dep_delay" in pq.read_schema(tmp_path / "w" / ROWS_FILE).names


def test_a_window_without_requests_is_empty(config, log, tmp_path):
    log(answered_entry("a", 0.1))
    window = extract_window(config, START_US + SECOND, START_US + 2 * SECOND, tmp_path / "w").window
    assert (window.answered, window.asked, window.latency_ms) == (0, 0, {})


def test_a_label_of_two_words_is_joined_as_zero_and_one(config):
    labelled = pa.table({"late": ["yes", "no", "yes"], "_probability": [0.9, 0.1, 0.8]})
    joined = _to_evaluation_label(labelled, config.model_copy(update={"positive_label": "yes"}))
    assert joined["late"].to_pylist() == [1, 0, 1]
    assert joined.schema.field("late").type == pa.int64()
    assert _to_evaluation_label(labelled, config) is labelled


@pytest.mark.parametrize(
    ("classes", "labels", "answered"),
    [(("a", "b", "c"), ["a", "b", "x"], ["a", "c", "c"]), ((1, 2, 3), [1, 2, 9], ["1", "3", "3"])],
)
def test_a_label_of_classes_is_joined_as_whether_it_was_answered(config, classes, labels, answered):
    labelled = pa.table({"late": labels, "_class": answered, "_probability": [0.9, 0.5, 0.8]})
    joined = _to_evaluation_label(labelled, config.model_copy(update={"task": "multiclass", "classes": classes}))
    assert joined["late"].to_pylist() == [1, 0, 0]
    assert joined[CONSTANT_ONE].to_pylist() == [1.0, 1.0, 1.0]
