"""Bins of numeric features: their edges, their names and their quantiles."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.config.evaluation import BinSettings
from flightline.executors.evaluator.bins import (
    NO_BIN,
    bin_indices,
    bin_names,
    bins_from_property,
    bins_to_property,
    resolve_edges,
)

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


def deciles(*ends: float) -> statistics_pb2.DatasetFeatureStatistics:
    """Statistics in which column `d` has these decile boundaries."""
    dataset = statistics_pb2.DatasetFeatureStatistics()
    feature = dataset.features.add()
    feature.path.step.append("d")
    histogram = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    for low, high in itertools.pairwise(ends):
        histogram.buckets.add(low_value=low, high_value=high)
    return dataset


@settings(deadline=None)  # the first example imports modules
@given(st.lists(finite, min_size=1, max_size=6, unique=True).map(sorted), st.lists(finite, max_size=20))
def test_a_number_is_in_the_bin_between_its_edges_and_bin_names_are_unique(edges, values):
    assert len(set(bin_names(edges))) == len(edges) + 1
    for value, number in zip(values, bin_indices(np.array(values), edges), strict=True):
        assert number == 0 or edges[number - 1] <= value
        assert number == len(edges) or value < edges[number]


def test_bin_names_contain_the_edges():
    assert bin_names([-1.5, 500, 1000]) == ["below -1.5", "-1.5 to 500", "500 to 1000", "1000 or more"]
    assert bin_names([1234567.25]) == ["below 1234567.25", "1234567.25 or more"]


def test_nan_is_in_no_bin_and_infinity_in_an_outer_bin():
    assert bin_indices(np.array([np.nan, -np.inf, np.inf], np.float32), [0]).tolist() == [NO_BIN, 0, 1]


def test_edges_are_compared_in_float64():
    assert bin_indices(np.array([0.3], np.float32), [0.3]).tolist() == [1]
    assert bin_indices(np.array([2**53 + 1], np.int64), [2.0**53]).tolist() == [1]


def test_quantile_edges_are_interpolated_from_the_deciles():
    bins = {"d": BinSettings(quantiles=4), "e": BinSettings.model_validate([1, 2])}
    assert resolve_edges(bins, deciles(*range(0, 110, 10))) == {"d": (25.0, 50.0, 75.0), "e": (1.0, 2.0)}


def test_repeated_quantiles_are_merged():
    assert resolve_edges({"d": BinSettings(quantiles=5)}, deciles(0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 9))["d"] == (4.0,)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (None, "have no quantiles of d"),
        (statistics_pb2.DatasetFeatureStatistics(), "have no quantiles of d"),
        (deciles(*[3] * 11), "d has the same value in nearly all training rows"),
    ],
)
def test_missing_or_constant_quantiles_are_an_error(training, message):
    with pytest.raises(ValueError, match=message):
        resolve_edges({"d": BinSettings(quantiles=4)}, training)


def test_bins_equal_their_round_trip_through_a_property():
    bins = {"d": BinSettings(quantiles=4), "e": BinSettings.model_validate([1, 2])}
    assert bins_from_property(bins_to_property(bins)) == bins
    assert bins_from_property(None) == {}
