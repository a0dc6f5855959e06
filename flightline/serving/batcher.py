"""Requests that wait at the same time are answered by one call of the model.

A call of a SavedModel costs about a millisecond whatever its size, and on the event loop it would keep every other
request waiting. A thread makes the calls of a release; while it is in one, requests gather for the next. Each release
has a thread of its own, so that a canary that is slow slows nobody else.
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

MAX_BATCH_ROWS = 4096  # rows of one call
IDLE_TIMEOUT_S = 10.0  # after which a thread ends; the next request starts another


@dataclass
class _PendingRequest:
    examples: list[bytes]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[np.ndarray]


class Batchers:
    """The batcher of each release, for as long as somebody holds the release."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Release, Batcher] = WeakKeyDictionary()

    async def predict(self, release: Release, examples: list[bytes]) -> np.ndarray:
        """What the model gives for serialized examples, [rows, numbers]; raises what the model raises."""
        batcher = self._of.get(release)
        if batcher is None:
            batcher = self._of[release] = Batcher()
        return await batcher.predict(release, examples)


class Batcher:
    """Answers the requests of one release in a thread of its own, several at a time where they wait."""

    def __init__(self) -> None:
        self._waiting: deque[_PendingRequest] = deque()
        self._work_available = threading.Condition()
        self._running = False

    async def predict(self, release: Release, examples: list[bytes]) -> np.ndarray:
        """Answers one request, with whatever else waits."""
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
        """Waits for requests, and takes up to LARGEST rows of them; nothing where none came for a while."""
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
        answers = release.predict([example for one in batch for example in one.examples])
    except Exception as error:
        if len(batch) > 1:  # one of them is at fault; the others are not
            for one in batch:
                _answer_batch(release, [one])
        else:
            _resolve_future(batch[0], error)
        return
    start = 0
    for one in batch:
        _resolve_future(one, answers[start : start + len(one.examples)])
        start += len(one.examples)


def _resolve_future(waiting: _PendingRequest, outcome: Any) -> None:
    def settle() -> None:
        if waiting.future.done():  # the client has gone
            return
        if isinstance(outcome, Exception):
            waiting.future.set_exception(outcome)
        else:
            waiting.future.set_result(outcome)

    try:
        waiting.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop has been closed
        return
