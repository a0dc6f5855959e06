"""Lazy values are computed once, and only when they are needed."""

import numpy as np
import pytest

from flightline.executors.transform.lazy_values import BatchStream, DataPass, LazyList


def batches_of(*sizes):
    return [{"x": np.arange(size)} for size in sizes]


def test_elements_are_computed_once_and_only_when_needed():
    calls = []
    elements = LazyList(lambda: calls.append(1) or [7])
    doubled = elements.map(lambda value: value * 2)
    assert not calls
    assert (doubled.single(), elements.get(), doubled.get()) == (14, [7], [14])
    assert len(calls) == 1


def test_single_refuses_a_list_of_two():
    with pytest.raises(ValueError, match="too many"):
        LazyList(lambda: [1, 2]).single()


def test_one_pass_over_the_data_fills_every_accumulator():
    readings = []
    source = DataPass(lambda: readings.append(1) or batches_of(3, 2))
    stream = BatchStream(source, lambda batch: batch["x"])
    rows = stream.fold(0, lambda total, values: total + len(values))
    seen = stream.map(np.max).fold([], lambda found, value: [*found, int(value)])
    assert (rows.single(), seen.single()) == (5, [2, 1])
    assert len(readings) == 1


def test_a_pass_over_no_batches_returns_the_initial_values():
    assert BatchStream(DataPass(list), lambda batch: batch).fold("initial", lambda *_: "read").single() == "initial"
