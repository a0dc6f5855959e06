"""The prediction log: every request and its answer, written by a thread of its own.

An answer waits for nothing: it goes to a bounded queue, and what does not fit is dropped and counted. The writer puts
what waits on disk several times a second, so that a killed server loses the last fraction of a second at most; how
many rows that was is known to the next one, which recovers the rest.
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
    """Appends entries to segments in a folder. Recovers what a killed server left there when it is opened.

    Attributes:
        lost: rows that earlier servers had accepted and that are nowhere; found when this log was opened.
    """

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._folder = settings.folder
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(0o750, exist_ok=True)  # requests and answers: for its owner and group
        self._key = _load_hash_key(self._folder) if settings.hash else b""
        self.lost = recover_segments(self._folder)
        self._token = secrets.token_hex(4)  # not the process id: in a container that is 1, time and again
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
        """Takes an entry, or drops it where too many wait; never waits itself."""
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
        """Writes what waits and closes the segment."""
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
            except Exception:  # a full disk, say: the server answers on, and what is lost is counted
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
            for end in range(1, len(entries) + 1):  # runs of the same contract
                if end == len(entries) or entries[end].contract is not entries[start].contract:
                    self._write(entries[start:end])
                    start = end
        except Exception:
            rows = sum(entry.rows for entry in entries[start:])
            counts = self._counters.counts
            self._count(accepted=counts.accepted - rows, dropped=counts.dropped + rows)
            raise

    def _write(self, entries: Sequence[LogEntry]) -> None:
        schema = log_schema(entries[0].contract, self._settings.drop, self._settings.hash)
        if self._segment is not None and not self._segment.schema.equals(schema):
            self._close_segment()
        if self._segment is None:
            self._segment = _Segment(self._folder / f"{_timestamp_name()}-{self._token}{OPEN_SUFFIX}", schema)
            self._count(open_segment_rows=0)
        batch = build_batch(entries, schema, self._settings.hash, self._key)
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
        """Appends a batch; it is on disk when this returns."""
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
    """A name by which segments sort: microseconds since the epoch."""
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
    """Closes the segments of writers that were killed; returns how many rows they had accepted and not written."""
    lost = 0
    for counters in sorted(folder.glob(f"*{COUNTERS_SUFFIX}")):
        counts = read_dead_writer_counts(counters)
        if counts is None:
            continue
        left = list(folder.glob(f"*-{counters.stem.rpartition('-')[2]}{OPEN_SUFFIX}"))
        had_open_segment = bool(left)
        rows = sum(close_segment(path) for path in left)
        gone = counts.accepted - counts.written - (rows - counts.open_segment_rows if had_open_segment else 0)
        note = {"writer": counters.stem, "accepted": counts.accepted, "recovered": rows, "lost": gone}
        note |= {"dropped": counts.dropped, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        with (folder / RECOVERY_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")
        counters.unlink(missing_ok=True)
        lost += gone
        logger.warning("a server was killed: %d rows of its log recovered, %d lost", rows, gone)
    return lost
