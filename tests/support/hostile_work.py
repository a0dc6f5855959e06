"""What is done with hostile input, as the pipeline does it: in a process of its own, its answer a plain dictionary."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

from pipeline.errors import FlightlineError
from pipeline.fast.ingest.ingestion import HashSplit, InputSplit, Options, ingest


def ingest_files(files: list[str], output: str, column_types: dict[str, Any]) -> dict[str, Any]:
    """Counts and the examples that are really there, or why the files were refused."""
    try:
        options = Options("late", column_types)
        counts = ingest([InputSplit("all", files)], output, options, HashSplit({"train": 2, "eval": 1}))
    except FlightlineError as error:
        return {"refused": str(error), "exit_code": error.exit_code}
    return {"counts": counts.properties(), "examples": sum(map(_records, Path(output).glob("Split-*/*.gz")))}


def _records(file: Path) -> int:
    """How many records a TFRecord file holds."""
    content, at, found = gzip.decompress(file.read_bytes()), 0, 0
    while at < len(content):
        at += 16 + struct.unpack_from("<Q", content, at)[0]
        found += 1
    return found
