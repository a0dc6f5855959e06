import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.reporting.html.run_changes import compute_shifts, diff_settings
from flightline.utils.distribution_distance import Histogram, jensen_shannon, l_infinity


def test_distance_of_equal_distributions_is_zero():
    even = Histogram([0.0, 1.0, 2.0], [5.0, 5.0])
    assert jensen_shannon(even, even) == 0
    assert jensen_shannon(even, Histogram([0.0, 2.0], [70.0])) == pytest.approx(0, abs=1e-12)  # other buckets
    assert l_infinity({"a": 0.5, "b": 0.5}, {"b": 0.5, "a": 0.5}) == 0


def test_distance_of_distributions_without_common_values_is_one():
    assert jensen_shannon(Histogram([0.0, 1.0], [9.0]), Histogram([5.0, 6.0], [2.0])) == pytest.approx(1)
    assert jensen_shannon(Histogram([3.0, 3.0], [9.0]), Histogram([5.0, 5.0], [2.0])) == pytest.approx(1)
    assert l_infinity({"a": 1.0}, {"b": 1.0}) == 1


def test_distance_of_overlapping_distributions():
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): (log2(4/3) + (log2(2/3) + log2(2)) / 2) / 2
    assert jensen_shannon(Histogram([0, 1, 2], [4, 0]), Histogram([0, 1, 2], [3, 3])) == pytest.approx(0.3112781)
    assert l_infinity({"a": 1.0}, {"a": 0.7, "b": 0.2, "c": 0.1}) == pytest.approx(0.3)


def dataset(ua, top):
    text = f"""
      num_examples: 100
      features {{ path {{ step: "carrier" }} type: STRING string_stats {{
        common_stats {{ max_num_values: 1 tot_num_values: {ua} }}
        rank_histogram {{
          buckets {{ label: "UA" sample_count: {ua} }} buckets {{ label: "AA" sample_count: 20 }} }} }} }}
      features {{ path {{ step: "delay" }} type: FLOAT num_stats {{
        common_stats {{ max_num_values: 1 tot_num_values: 100 }}
        histograms {{ buckets {{ low_value: 0 high_value: {top} sample_count: 100 }} }} }} }}
    """
    return text_format.Parse(text, statistics_pb2.DatasetFeatureStatistics())


def test_shifts_are_sorted_by_distance_and_have_missing_fractions():
    first, second = compute_shifts(dataset(80, 1), dataset(20, 1))
    assert (first.feature, first.measure, first.distance) == ("carrier", "L-infinity", pytest.approx(0.3))
    assert (first.missing_before, first.missing_now) == (0.2, 0.8)
    assert (second.feature, second.measure, second.distance) == ("delay", "Jensen-Shannon", 0)
    assert compute_shifts(dataset(80, 1), dataset(80, 100))[0].feature == "delay"


def test_settings_that_differ_are_listed_by_key():
    before = "train: {epochs: 2}\nworkspace: a\ndata: {splits: {train: 2}}\nold: 1"
    changes = diff_settings(before, "train: {epochs: 3}\nworkspace: b\ndata: {splits: {train: 2}}\nslices: [[a]]")
    assert [(c.name, c.before, c.now) for c in changes] == [
        ("train.epochs", "2", "3"),
        ("slices", None, "[[a]]"),
        ("old", "1", None),
    ]
