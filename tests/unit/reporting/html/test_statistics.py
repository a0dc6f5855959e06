import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.reporting.html.statistics import count_missing, read_statistics, summarize_features

DATASET = """
    num_examples: 100
    features {
      path { step: "delay" } type: INT
      num_stats {
        common_stats { num_non_missing: 100 max_num_values: 1 tot_num_values: 90 }
        mean: 2.5 median: 2 min: -1 max: 9 num_zeros: 4
        histograms {
          buckets { low_value: -1 high_value: 4 sample_count: 60 }
          buckets { low_value: 4 high_value: 9 sample_count: 30 }
        }
        histograms { type: QUANTILES buckets { low_value: -1 high_value: 9 sample_count: 90 } }
      }
    }
    features {
      path { step: "carrier" } type: STRING
      string_stats {
        common_stats { num_non_missing: 100 max_num_values: 1 tot_num_values: 100 } unique: 2
        rank_histogram { buckets { label: "UA" sample_count: 70 } buckets { label: "AA" sample_count: 30 } }
      }
    }
    features { path { step: "gone" } type: FLOAT num_stats { common_stats { num_missing: 100 } mean: nan } }
"""


@pytest.fixture
def dataset():
    return text_format.Parse(DATASET, statistics_pb2.DatasetFeatureStatistics())


def roles(name):
    return "label" if name == "delay" else "feature"


def test_features_by_split_with_the_label_first(dataset):
    label, *others = summarize_features({"train": dataset, "eval": dataset}, roles)
    assert (label.name, label.kind, label.role, list(label.splits)) == ("delay", "integer", "label", ["train", "eval"])
    assert [feature.name for feature in others] == ["carrier", "gone"]
    delay, carrier, gone = (feature.splits["train"] for feature in (label, *others))
    assert (delay.missing, delay.min, delay.max, delay.zeros) == (10, -1, 9, 4)
    assert (delay.histogram.edges, delay.histogram.counts) == ([-1, 4, 9], [60, 30])
    assert delay.quantiles.counts == [90]
    assert (carrier.values, carrier.unique) == ([("UA", 70), ("AA", 30)], 2)
    assert (gone.missing, gone.mean, gone.histogram) == (100, None, None)


def test_empty_list_counts_as_missing_value(dataset):
    assert count_missing(dataset.features[0], dataset.num_examples) == 10


def test_statistics_are_read_by_split_and_empty_where_the_files_are_gone(dataset, tmp_path):
    for split in ("eval", "train"):
        folder = tmp_path / f"Split-{split}"
        folder.mkdir()
        listed = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
        (folder / "FeatureStats.pb").write_bytes(listed.SerializeToString())
    assert list(read_statistics(str(tmp_path))) == ["train", "eval"]
    assert read_statistics(str(tmp_path / "nowhere")) == {}
