"""The two kinds of value in the analysis graph: lists that are computed once, and values for each batch.

They take the place of Beam's PCollections: a `BatchStream` has an element for each batch, a `LazyList` has accumulators
and results. Both are computed only when they are needed, so that the whole graph is known before any data are read and
all accumulators of a phase are filled in one pass.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Batch = dict[str, np.ndarray]


class LazyList:
    """A list that is computed once, when it is first read."""

    def __init__(self, compute: Callable[[], Iterable[Any]]):
        self._compute: Callable[[], Iterable[Any]] | None = compute
        self._values: list[Any] = []

    def get(self) -> list[Any]:
        if self._compute is not None:
            self._values, self._compute = list(self._compute()), None
        return self._values

    def single(self) -> Any:
        """The element of a list with one element.

        Raises:
            ValueError: the list has another number of elements.
        """
        (value,) = self.get()
        return value

    def map(self, function: Callable[[Any], Any]) -> "LazyList":
        return LazyList(lambda: map(function, self.get()))


class DataPass:
    """One pass over the data with one graph, which fills all accumulators of a phase."""

    def __init__(self, batches: Callable[[], Iterable[Batch]]):
        self._batches: Callable[[], Iterable[Batch]] | None = batches
        self._accumulators: list[Any] = []
        self._add_functions: list[Callable[[Any, Batch], Any]] = []

    def fold(self, initial: Any, add: Callable[[Any, Batch], Any]) -> LazyList:
        """Adds an accumulator to the pass; the result's single element is its final value."""
        position = len(self._accumulators)
        self._accumulators.append(initial)
        self._add_functions.append(add)
        return LazyList(lambda: [self._run()[position]])

    def _run(self) -> list[Any]:
        if self._batches is not None:
            for batch in self._batches():
                self._accumulators = [
                    add(value, batch) for add, value in zip(self._add_functions, self._accumulators, strict=True)
                ]
            self._batches = None
        return self._accumulators


class BatchStream:
    """A value for each batch of a pass over the data."""

    def __init__(self, source: DataPass, extract: Callable[[Batch], Any]):
        self._source = source
        self._extract = extract

    def map(self, function: Callable[[Any], Any]) -> "BatchStream":
        return BatchStream(self._source, lambda batch: function(self._extract(batch)))

    def fold(self, initial: Any, add: Callable[[Any, Any], Any]) -> LazyList:
        """Accumulates the values in the order of the batches, starting from `initial`."""
        return self._source.fold(initial, lambda value, batch: add(value, self._extract(batch)))
