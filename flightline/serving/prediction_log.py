"""The prediction log: every request and its predictions, written by a background thread.

Requests never wait for the log: entries go to a bounded queue, and those that do not fit are dropped and counted. The
thread writes several times a second, so a killed server loses at most the last fraction of a second. The next server
recovers everything else, and knows how many rows were lost.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from flightline.serving.log_batch import LogEntry, build_batch
from flightline.serving.log_counters import COUNTERS_SUFFIX, LogCounters, LogCounts, read_dead_writer_counts
from flightline.serving.log_files import OPEN_SUFFIX, close_segment, delete_old_segments, log_schema
from flightline.serving.settings import LogSettings

RECOVERY_FILE = "recovered.jsonl"
HASH_KEY_FILE = ".hash-key"
_CLEANUP_INTERVAL_S = 60.0

logger = logging.getLogger("flightline.serving.log")


class PredictionLog:
    """Appends entries to segments in a folder. Opening it recovers the segments of killed servers.

    Attributes:
        lost_rows: rows that killed servers had accepted but not written, as found when this log was opened.
    """

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._folder = settings.folder
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(0o750, exist_ok=True)  # requests may be personal data: for owner and group only
        self._key = _load_hash_key(self._folder) if settings.hash_features else b""
        self.lost_rows = recover_segments(self._folder)
        self._token = secrets.token_hex(4)  # unlike the process id, which is always 1 in a container
        self._counters = LogCounters(self._folder / f"{_timestamp_name()}-{self._token}{COUNTERS_SUFFIX}")
        self._entries: list[LogEntry] = []
        self._waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._segment: _Segment | None = None
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> LogCounts:
        return self._counters.counts

    def append(self, entry: LogEntry) -> bool:
        """Queue an entry, or drop it if the queue is full; returns whether it was queued. Never blocks."""
        rows = entry.rows
        with self._lock:
            counts = self._counters.counts
            if self._closing or self._waiting + rows > self._settings.queue_rows:
                self._counters.set(counts._replace(dropped=counts.dropped + rows))
                return False
            self._entries.append(entry)
            self._waiting += rows
            self._counters.set(counts._replace(accepted=counts.accepted + rows))
            return True

    def close(self) -> None:
        """Write the queued entries and close the segment."""
        with self._lock:
            self._closing = True
        self._wake.set()
        self._thread.join(timeout=60)
        self._counters.close()

    def _run(self) -> None:
        last_cleanup = 0.0
        while True:
            ending = self._wake.wait(self._settings.flush_s)
            try:
                self._flush()
                if ending or (self._segment and self._segment.should_close(self._settings)):
                    self._close_segment()
                if time.monotonic() - last_cleanup > _CLEANUP_INTERVAL_S:
                    last_cleanup = time.monotonic()
                    delete_old_segments(self._folder, self._settings.keep_days, self._settings.keep_mb)
            except Exception:  # such as a full disk: the server keeps serving, and the lost rows are counted
                logger.exception("the prediction log cannot be written")
                self._segment = None
            if ending:
                return

    def _flush(self) -> None:
        with self._lock:
            entries, self._entries = self._entries, []
            self._waiting = 0
        start = 0
        try:
            for end in range(1, len(entries) + 1):  # consecutive entries with the same contract
                if end == len(entries) or entries[end].contract is not entries[start].contract:
                    self._write(entries[start:end])
                    start = end
        except Exception:
            rows = sum(entry.rows for entry in entries[start:])
            counts = self._counters.counts
            self._count(accepted=counts.accepted - rows, dropped=counts.dropped + rows)
            raise

    def _write(self, entries: Sequence[LogEntry]) -> None:
        schema = log_schema(entries[0].contract, self._settings.drop_features, self._settings.hash_features)
        if self._segment is not None and not self._segment.schema.equals(schema):
            self._close_segment()
        if self._segment is None:
            self._segment = _Segment(self._folder / f"{_timestamp_name()}-{self._token}{OPEN_SUFFIX}", schema)
            self._count(open_segment_rows=0)
        batch = build_batch(entries, schema, self._settings.hash_features, self._key)
        self._segment.write(batch)
        counts = self._counters.counts
        self._count(written=counts.written + batch.num_rows, open_segment_rows=self._segment.rows)

    def _close_segment(self) -> None:
        if self._segment is not None:
            segment, self._segment = self._segment, None
            segment.close()
            close_segment(segment.path)
            self._count(open_segment_rows=0)

    def _count(self, **changes: int) -> None:
        with self._lock:
            self._counters.set(self._counters.counts._replace(**changes))


class _Segment:
    """An open segment."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._opened = time.monotonic()
        self._file = path.open("xb")
        self._writer = pa.ipc.new_stream(self._file, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch and sync it to disk."""
        self._writer.write_batch(batch)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.rows += batch.num_rows

    def should_close(self, settings: LogSettings) -> bool:
        minutes = (time.monotonic() - self._opened) / 60
        return self._file.tell() > settings.segment_mb * 1e6 or minutes > settings.segment_minutes

    def close(self) -> None:
        self._writer.close()
        self._file.close()


def _timestamp_name() -> str:
    """Microseconds since the epoch, so that segments sort by time."""
    return f"{time.time_ns() // 1000:017d}"


def _load_hash_key(folder: Path) -> bytes:
    path = folder / HASH_KEY_FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()


def recover_segments(folder: Path) -> int:
    """Close the segments of killed writers; return how many rows they had accepted but not written."""
    lost_rows = 0
    for counters in sorted(folder.glob(f"*{COUNTERS_SUFFIX}")):
        counts = read_dead_writer_counts(counters)
        if counts is None:
            continue
        open_segments = list(folder.glob(f"*-{counters.stem.rpartition('-')[2]}{OPEN_SUFFIX}"))
        rows = sum(close_segment(path) for path in open_segments)
        lost = counts.accepted - counts.written - (rows - counts.open_segment_rows if open_segments else 0)
        record = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "writer": counters.stem,
            "accepted_rows": counts.accepted,
            "recovered_rows": rows,
            "lost_rows": lost,
            "dropped_rows": counts.dropped,
        }
        with (folder / RECOVERY_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        counters.unlink(missing_ok=True)
        lost_rows += lost
        logger.warning("a killed server left its prediction log open: %d rows recovered, %d lost", rows, lost)
    return lost_rows
