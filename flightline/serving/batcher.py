"""Micro-batching: requests that wait at the same time share one call of the model.

A call of a SavedModel costs about a millisecond whatever its size, and on the event loop it would block every other
request. So each release has a thread that calls its model; requests that arrive during a call are batched into the
next one. A slow canary does not delay the current release, because each has its own thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from flightline.serving.release import Release

MAX_BATCH_ROWS = 4096  # rows of one call of the model
IDLE_TIMEOUT_S = 10.0  # without requests for that long, the thread ends; the next request starts a new one


@dataclass
class _PendingRequest:
    examples: list[bytes]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[np.ndarray]


class Batchers:
    """One batcher for each release that is still referenced somewhere."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Release, Batcher] = WeakKeyDictionary()

    async def predict(self, release: Release, examples: list[bytes]) -> np.ndarray:
        """The model's outputs for serialized examples, [rows, outputs]. Raises what the model raises."""
        batcher = self._of.get(release)
        if batcher is None:
            batcher = self._of[release] = Batcher()
        return await batcher.predict(release, examples)


class Batcher:
    """Runs the model of one release in a thread, on batches of waiting requests."""

    def __init__(self) -> None:
        self._waiting: deque[_PendingRequest] = deque()
        self._work_available = threading.Condition()
        self._running = False

    async def predict(self, release: Release, examples: list[bytes]) -> np.ndarray:
        """The outputs for one request, computed together with other waiting requests."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[np.ndarray] = loop.create_future()
        with self._work_available:
            self._waiting.append(_PendingRequest(examples, loop, future))
            if self._running:
                self._work_available.notify()
            else:
                self._running = True
                threading.Thread(target=self._run, args=(release,), name="predict", daemon=True).start()
        return await future

    def _run(self, release: Release) -> None:
        while batch := self._next():
            _answer_batch(release, batch)

    def _next(self) -> list[_PendingRequest]:
        """Wait for requests and take up to `MAX_BATCH_ROWS` rows of them; empty after `IDLE_TIMEOUT_S` without one."""
        with self._work_available:
            if not self._waiting:
                self._work_available.wait(IDLE_TIMEOUT_S)
            batch: list[_PendingRequest] = []
            rows = 0
            while self._waiting and (not batch or rows + len(self._waiting[0].examples) <= MAX_BATCH_ROWS):
                rows += len(self._waiting[0].examples)
                batch.append(self._waiting.popleft())
            self._running = bool(batch)
            return batch


def _answer_batch(release: Release, batch: list[_PendingRequest]) -> None:
    try:
        outputs = release.predict([example for request in batch for example in request.examples])
    except Exception as error:
        if len(batch) > 1:  # retry each alone, so that one bad request does not fail the others
            for request in batch:
                _answer_batch(release, [request])
        else:
            _resolve_future(batch[0], error)
        return
    start = 0
    for request in batch:
        _resolve_future(request, outputs[start : start + len(request.examples)])
        start += len(request.examples)


def _resolve_future(request: _PendingRequest, outcome: Any) -> None:
    def complete() -> None:
        if request.future.done():  # the client has disconnected
            return
        if isinstance(outcome, Exception):
            request.future.set_exception(outcome)
        else:
            request.future.set_result(outcome)

    try:
        request.loop.call_soon_threadsafe(complete)
    except RuntimeError:  # the event loop is closed
        return
