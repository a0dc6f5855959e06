"""The prediction log: its content, its recovery after a kill, its counters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from flightline.serving.contract import Contract
from flightline.serving.log_batch import LogEntry
from flightline.serving.log_files import OPEN_SUFFIX, delete_old_segments, read_log, segment_files
from flightline.serving.prediction_log import RECOVERY_FILE, PredictionLog
from flightline.serving.settings import LogSettings
from flightline.serving.target import Target

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def entry(contract, row):
    """`entry(request_id, rows, **more)` → an Entry."""

    def make(request_id: str, rows: int = 1, **more) -> LogEntry:
        read = contract.read_rows([row] * rows)
        answer = {"columns": read.columns, "scores": np.linspace(0, 1, rows, dtype=np.float32)}
        answer["labels"] = (answer["scores"] >= 0.5).astype(np.int64)
        known = {"contract": contract, "version": "42", "role": "current", "latency_ms": 1.5}
        return LogEntry(1_700_000_000_000_000, request_id, **{**known, **answer, **more})

    return make


def logged(folder: Path, entries, **settings) -> PredictionLog:
    log = PredictionLog(LogSettings(folder, **{"flush_s": 0.01, **settings}))
    for entry in entries:
        log.append(entry)
    log.close()
    return log


def test_every_row_is_logged_as_flat_columns(tmp_path, entry):
    shadow = ("41", np.array([0.25], np.float32))
    logged(tmp_path, [entry("a", 3), entry("b", shadow=shadow)])
    table = read_log(tmp_path).to_pydict()
    assert table["_request_id"] == ["a", "a", "a", "b"]
    assert table["_row"] == [0, 1, 2, 0]
    assert table["_probability"] == [0, 0.5, 1, 0]
    assert table["_label"] == [0, 1, 1, 0]
    assert table["_shadow_version"] == [None, None, None, "41"]
    assert table["_shadow_probability"] == [None, None, None, 0.25]
    assert set(table["origin"]) == {"EWR"}
    assert table["_version"] == ["42"] * 4


def test_the_log_has_the_class_of_the_shadow(tmp_path, entry, contract):
    of_colours = Contract(list(contract.features.values()), Target("multiclass", classes=("red", "green", "blue")))
    labels = np.array(["red", "blue"], object)
    aside = {"shadow": ("41", np.array([0.5, 0.9], np.float32)), "shadow_labels": labels[::-1]}
    logged(tmp_path, [entry("a", 2, contract=of_colours, labels=labels, **aside), entry("b", contract=of_colours)])
    table = read_log(tmp_path).to_pydict()
    assert table["_class"][:2] == ["red", "blue"]
    assert table["_shadow_class"] == ["blue", "red", None]
    assert "_label" not in table


def test_a_closed_log_is_parquet_that_example_gen_reads(tmp_path, entry):
    from flightline.executors.example_gen.tables import open_table

    logged(tmp_path, [entry("a", 5)])
    [segment] = segment_files(tmp_path)
    assert segment.suffix == ".parquet"
    [block] = open_table(str(segment)).blocks(1 << 20)
    assert len(block.lines) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [segment.name]


def test_an_invalid_request_is_logged_with_its_error(tmp_path, entry):
    logged(tmp_path, [entry("a", columns={}, scores=None, labels=None, error="month: missing")])
    [row] = read_log(tmp_path).to_pylist()
    assert row["_error"] == "month: missing"
    assert row["month"] is None
    assert row["_probability"] is None


def test_sensitive_features_are_dropped_or_hashed(tmp_path, entry):
    logged(tmp_path / "one", [entry("a"), entry("b")], drop_features=("tailnum",), hash_features=("origin", "month"))
    logged(tmp_path / "other", [entry("a")], hash_features=("origin",))
    table = read_log(tmp_path / "one").to_pydict()
    assert "tailnum" not in table
    assert len(set(table["origin"])) == 1
    assert "EWR" not in table["origin"]
    assert 7 not in table["month"]
    assert read_log(tmp_path / "other")["origin"][0].as_py() not in table["origin"]  # another key
    assert (tmp_path / "one" / ".hash-key").stat().st_mode & 0o077 == 0
    for file in (tmp_path / "one").iterdir():
        assert b"N14228" not in file.read_bytes()


def test_rows_beyond_the_queue_are_dropped_and_counted_without_blocking(tmp_path, entry):
    log = PredictionLog(LogSettings(tmp_path, flush_s=30.0, queue_rows=10))
    assert [log.append(entry(str(number), 4)) for number in range(5)] == [True, True, False, False, False]
    assert log.counts.accepted == 8
    assert log.counts.dropped == 12
    log.close()
    assert read_log(tmp_path).num_rows == 8


def test_segments_are_closed_at_their_size_and_read_together(tmp_path, entry):
    log = PredictionLog(LogSettings(tmp_path, flush_s=0.005, segment_mb=0.0001))
    for number in range(20):
        log.append(entry(str(number), 10))
        time.sleep(0.01)
    log.close()
    assert len(segment_files(tmp_path)) > 1
    assert read_log(tmp_path)["_request_id"].to_pylist() == [str(number) for number in range(20) for _ in range(10)]


def test_releases_with_other_features_get_their_own_segments(tmp_path, entry):
    other = Contract.from_inputs([{"name": "seats", "type": "int"}])
    logged(tmp_path, [entry("a"), entry("b", contract=other, columns={"seats": [150]}), entry("c")])
    table = read_log(tmp_path).to_pydict()
    assert table["_request_id"] == ["a", "b", "c"]
    assert table["seats"] == [None, 150, None]
    assert table["month"] == [7, None, 7]
    assert len(segment_files(tmp_path)) == 3


def test_segments_beyond_the_age_or_size_limit_are_deleted_oldest_first(tmp_path):
    for number in range(4):
        path = tmp_path / f"{number:017d}-aa.parquet"
        path.write_bytes(b"x" * 1000)
        os.utime(path, (1000.0 * number, 1000.0 * number))
    assert [path.name[16] for path in delete_old_segments(tmp_path, keep_days=1, keep_mb=0.0021, now=3000.0)] == [
        "1",
        "0",
    ]
    assert [path.name[16] for path in delete_old_segments(tmp_path, keep_days=0.01, keep_mb=1, now=3500.0)] == ["2"]


KILLED = """
import sys, time
import numpy as np
from pathlib import Path
from flightline.serving.contract import Contract
from flightline.serving.log_batch import LogEntry
from flightline.serving.prediction_log import PredictionLog
from flightline.serving.settings import LogSettings
from flightline.serving.target import Target

contract = Contract.from_inputs([{"name": "month", "type": "int", "required": True}])
log = PredictionLog(LogSettings(Path(sys.argv[1]), flush_s=float(sys.argv[2]), segment_mb=float(sys.argv[3])))
for number in range(1_000_000):
    rows = contract.read_rows([{"month": number}])
    scores = np.zeros(1, np.float32)
    log.append(LogEntry(0, str(number), contract, "1", "current", 1.0, rows.columns, scores, np.zeros(1)))
    if number % 100 == 0:
        print(number + 1, log.counts.written, flush=True)
        time.sleep(0.002)
"""


def killed(folder: Path, flush_s: float, segment_mb: float, lines: int) -> tuple[int, int]:
    """Kills a writer outright after some time; returns what it had said to have accepted and written by then."""
    command = [sys.executable, "-c", KILLED, str(folder), str(flush_s), str(segment_mb)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    last = [line for line in [*said, *process.stdout.read().splitlines()] if len(line.split()) == 2][-1]
    accepted, written = map(int, last.split())
    return accepted, written


@pytest.mark.parametrize("segment_mb", [64, 0.02])
def test_a_killed_writer_loses_only_unwritten_rows_and_they_are_counted(tmp_path, segment_mb):
    accepted, written = killed(tmp_path, 0.05, segment_mb, lines=120)
    log = PredictionLog(LogSettings(tmp_path))
    log.close()
    kept = read_log(tmp_path)["_request_id"].to_pylist()
    assert kept == [str(number) for number in range(len(kept))]  # from the first on, without a gap
    assert len(kept) >= written > 0
    [note] = map(json.loads, (tmp_path / RECOVERY_FILE).read_text().splitlines())
    assert note["accepted_rows"] >= accepted
    assert note["lost_rows"] == log.lost_rows == note["accepted_rows"] - len(kept)
    assert not list(tmp_path.glob(f"*{OPEN_SUFFIX}"))


def test_an_incomplete_segment_gives_its_complete_batches(tmp_path, entry):
    log = PredictionLog(LogSettings(tmp_path, flush_s=0.01))
    for number in range(3):
        log.append(entry(str(number), 100))
        while log.counts.written < 100 * (number + 1):
            time.sleep(0.005)
    [segment] = tmp_path.glob(f"*{OPEN_SUFFIX}")
    whole = segment.read_bytes()
    log.close()
    torn = tmp_path / "torn"
    torn.mkdir()
    for cut in range(0, len(whole), 97):
        (torn / f"0-a{OPEN_SUFFIX}").write_bytes(whole[:cut])
        rows = read_log(torn).num_rows
        assert rows in (0, 100, 200, 300)
    assert rows >= 200


def test_the_segments_of_a_running_writer_are_not_recovered(tmp_path, entry):
    first = PredictionLog(LogSettings(tmp_path, flush_s=0.01))
    first.append(entry("a", 5))
    second = PredictionLog(LogSettings(tmp_path))
    assert second.lost_rows == 0
    second.close()
    first.append(entry("b", 5))
    first.close()
    assert read_log(tmp_path).num_rows == 10


def test_segments_are_compressed_and_typed(tmp_path, entry):
    logged(tmp_path, [entry("a", 10)])
    [segment] = segment_files(tmp_path)
    schema = pq.read_schema(segment)
    assert str(schema.field("month").type) == "int64"
    assert str(schema.field("temp").type) == "float"
    assert pq.read_metadata(segment).row_group(0).column(0).compression == "ZSTD"
