"""What is done with hostile input, as the pipeline does it: in a process of its own, its answer a plain dictionary."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

from flightline.errors import FlightlineError
from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest


def ingest_files(files: list[str], output: str, column_types: dict[str, Any]) -> dict[str, Any]:
    """Counts and the examples that are really there, or why the files were refused."""
    try:
        options = IngestOptions("late", column_types)
        counts = ingest([InputSplit("all", files)], output, options, HashSplit({"train": 2, "eval": 1}))
    except FlightlineError as error:
        return {"refused": str(error), "exit_code": error.exit_code}
    return {"counts": counts.properties(), "examples": sum(map(_count_records, Path(output).glob("Split-*/*.gz")))}


def _count_records(file: Path) -> int:
    """How many records a TFRecord file holds."""
    content, at, found = gzip.decompress(file.read_bytes()), 0, 0
    while at < len(content):
        at += 16 + struct.unpack_from("<Q", content, at)[0]
        found += 1
    return found
