"""Requests and answers as the prediction log gets them."""

from __future__ import annotations

import numpy as np

from flightline.serving.contract import Contract
from flightline.serving.log_batch import LogEntry

START_US = 1_800_000_000_000_000  # microseconds
CONTRACT = Contract.from_inputs(
    [{"name": "dep_delay", "type": "int", "required": True}, {"name": "origin", "type": "bytes", "required": False}]
)


def answered_entry(
    request_id: str, *probabilities: float, at: int = 0, shadow: tuple[str, float] | None = None, version="7"
):
    """A request of some rows and its answer, `at` microseconds after T0."""
    rows = len(probabilities)
    given = np.array(probabilities, np.float32)
    aside = (shadow[0], np.full(rows, shadow[1], np.float32)) if shadow else None
    columns = {"dep_delay": list(range(rows)), "origin": ["EWR"] * rows}
    labels = (given >= 0.5).astype(np.int64)
    return LogEntry(START_US + at, request_id, CONTRACT, version, "current", 1.5, columns, given, labels, aside)


def refused_entry(request_id: str, at: int = 0) -> LogEntry:
    return LogEntry(
        START_US + at, request_id, CONTRACT, "7", "current", 0.5, error="row 0: origin: nothing", invalid=True
    )


def failed_entry(request_id: str, at: int = 0) -> LogEntry:
    return LogEntry(START_US + at, request_id, CONTRACT, "7", "current", 0.5, error="RuntimeError: broken")
