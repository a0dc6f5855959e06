"""Requests that wait at the same time are answered by one call of the model.

A call of a SavedModel costs about a millisecond whatever its size, and on the event loop it would keep every other
request waiting. One thread makes the calls; while it is in one, requests gather for the next.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.release import Release

LARGEST = 4096  # rows of one call


@dataclass
class _Waiting:
    release: Release
    examples: list[bytes]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[np.ndarray]


class Batcher:
    """Answers requests in a thread of its own, several at a time where they wait."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._something = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="predict", daemon=True)
        self._thread.start()

    async def predict(self, release: Release, examples: list[bytes]) -> np.ndarray:
        """Probabilities [rows] of serialized examples; raises what the model raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[np.ndarray] = loop.create_future()
        with self._something:
            if self._ended:
                raise RuntimeError("the server is stopping")
            self._waiting.append(_Waiting(release, examples, loop, future))
            self._something.notify()
        return await future

    def close(self) -> None:
        """Answers what waits, then ends."""
        with self._something:
            self._ended = True
            self._something.notify()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while batch := self._next():
            self._answer(batch)

    def _next(self) -> list[_Waiting]:
        """Waits for requests; those that come next and are for the same release, up to LARGEST rows."""
        with self._something:
            while not self._waiting and not self._ended:
                self._something.wait()
            batch: list[_Waiting] = []
            rows = 0
            while self._waiting:
                first = self._waiting[0]
                rows += len(first.examples)
                if batch and (first.release is not batch[0].release or rows > LARGEST):
                    break
                batch.append(self._waiting.popleft())
            return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            answers = batch[0].release.predict([example for one in batch for example in one.examples])
        except Exception as error:
            if len(batch) > 1:  # one of them is at fault; the others are not
                for one in batch:
                    self._answer([one])
                return
            _tell(batch[0], error)
            return
        start = 0
        for one in batch:
            _tell(one, answers[start : start + len(one.examples)])
            start += len(one.examples)


def _tell(waiting: _Waiting, outcome: Any) -> None:
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
