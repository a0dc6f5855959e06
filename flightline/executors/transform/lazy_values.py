"""The two kinds of value in the analysis graph: lists computed once, and values per batch.

They stand where stock has Beam's PCollections: a `Stream` for those with an element a batch, `Elements` for
the few accumulators and results behind them. Both are lazy, so that the whole graph is known before the data is
read, and every accumulator of a phase is filled in one pass.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Batch = dict[str, np.ndarray]


class LazyList:
    """A list that is computed when first asked for, and once."""

    def __init__(self, compute: Callable[[], Iterable[Any]]):
        self._compute: Callable[[], Iterable[Any]] | None = compute
        self._values: list[Any] = []

    def get(self) -> list[Any]:
        if self._compute is not None:
            self._values, self._compute = list(self._compute()), None
        return self._values

    def only(self) -> Any:
        """The element of a list of one; ValueError when there are more or fewer."""
        (value,) = self.get()
        return value

    def map(self, function: Callable[[Any], Any]) -> "LazyList":
        return LazyList(lambda: map(function, self.get()))


class DataPass:
    """One reading of the data through one graph, feeding every accumulator that asked for it."""

    def __init__(self, batches: Callable[[], Iterable[Batch]]):
        self._batches: Callable[[], Iterable[Batch]] | None = batches
        self._accumulators: list[Any] = []
        self._adders: list[Callable[[Any, Batch], Any]] = []

    def fold(self, initial: Any, add: Callable[[Any, Batch], Any]) -> LazyList:
        """Registers an accumulator; its final value is the one element of the result."""
        position = len(self._accumulators)
        self._accumulators.append(initial)
        self._adders.append(add)
        return LazyList(lambda: [self._run()[position]])

    def _run(self) -> list[Any]:
        if self._batches is not None:
            for batch in self._batches():
                self._accumulators = [
                    add(value, batch) for add, value in zip(self._adders, self._accumulators, strict=True)
                ]
            self._batches = None
        return self._accumulators


class BatchStream:
    """A value for each batch of a pass."""

    def __init__(self, source: DataPass, extract: Callable[[Batch], Any]):
        self._source = source
        self._extract = extract

    def map(self, function: Callable[[Any], Any]) -> "BatchStream":
        return BatchStream(self._source, lambda batch: function(self._extract(batch)))

    def fold(self, initial: Any, add: Callable[[Any, Any], Any]) -> LazyList:
        """Accumulates the values in the order of the batches, beginning from `initial`."""
        return self._source.fold(initial, lambda value, batch: add(value, self._extract(batch)))
