"""Rebinning equals TFMA's bit for bit, and TFMA's functions are restored afterwards."""

import functools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flightline.executors.evaluator import rebinning
from flightline.executors.evaluator.rebinning import fast_rebinning
from flightline.executors.evaluator.tfma_internals import TFMA

Bucket = TFMA.Bucket
stock_rebin, stock_matrices = TFMA.rebin, TFMA.histogram_to_binary_confusion_matrices
rebin = functools.partial(rebinning.rebin, stock=stock_rebin)
histogram_to_matrices = functools.partial(rebinning.histogram_to_matrices, stock=stock_matrices)

NUM_BUCKETS = 20
EPSILON = 1e-7

totals = st.floats(0, 1e6)
histograms = st.dictionaries(st.integers(0, NUM_BUCKETS + 1), st.tuples(totals, totals, totals), max_size=22).map(
    lambda by_id: [Bucket(i, *by_id[i]) for i in sorted(by_id)]
)
ticks = st.sampled_from([-EPSILON, 0.0, EPSILON, 0.05, 0.5, 0.5 + EPSILON, 0.95, 1.0, 1.0 + EPSILON, 2.0])
threshold_lists = st.lists(ticks | st.floats(-0.1, 1.1), min_size=1, max_size=30, unique=True).map(sorted)


@given(threshold_lists, histograms)
def test_rebin_equals_tfma(thresholds: list[float], histogram: list[Bucket]) -> None:
    assert list(rebin(thresholds, histogram, NUM_BUCKETS)) == stock_rebin(thresholds, histogram, NUM_BUCKETS)


@given(threshold_lists, histograms, st.floats(-5, 0), st.floats(0.5, 5))
def test_rebin_equals_tfma_for_other_ranges(
    thresholds: list[float], histogram: list[Bucket], left: float, right: float
) -> None:
    expected = stock_rebin(thresholds, histogram, NUM_BUCKETS, left, right)
    assert list(rebin(thresholds, histogram, NUM_BUCKETS, left, right)) == expected


@given(threshold_lists, histograms)
@example([-EPSILON, -7.3e-299, 0.0], [Bucket(1, 0.0, 0.0, 1.0)])  # subtracting epsilon makes them unsorted
def test_matrices_equal_tfma(thresholds: list[float], histogram: list[Bucket]) -> None:
    # TFMA's own caller adds these outer thresholds before it rebins.
    padded = [t + EPSILON if t != 0 else t for t in thresholds]
    padded = ([-EPSILON] if thresholds[0] >= 0 else []) + padded + ([1.0 + EPSILON] if thresholds[-1] < 1 else [])
    expected = stock_matrices(thresholds, stock_rebin(padded, histogram, NUM_BUCKETS))
    assert histogram_to_matrices(thresholds, rebin(padded, histogram, NUM_BUCKETS)) == expected


def test_tfma_computes_matrices_of_histograms_that_were_not_rebinned() -> None:
    histogram = [Bucket(0, 1.0, 0.5, 2.0), Bucket(1, 3.0, 2.5, 4.0)]
    assert histogram_to_matrices([-1.0], histogram) == stock_matrices([-1.0], histogram)


def test_a_rebinned_histogram_supports_length_index_and_slice() -> None:
    histogram = rebin([0.0, 0.5], [Bucket(1, 1.0, 0.0, 2.0), Bucket(20, 3.0, 3.8, 4.0)], NUM_BUCKETS)
    assert len(histogram) == 2
    assert histogram[-1] == Bucket(1, 3.0, 3.8, 4.0)
    assert histogram[:1] == [Bucket(0, 1.0, 0.0, 2.0)]
    with pytest.raises(IndexError):
        histogram[2]


def test_tfma_is_restored_even_after_an_error() -> None:
    def fail() -> None:
        with fast_rebinning():
            assert TFMA.rebin is not stock_rebin
            assert TFMA.histogram_to_binary_confusion_matrices is not stock_matrices
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert TFMA.rebin is stock_rebin
    assert TFMA.histogram_to_binary_confusion_matrices is stock_matrices
