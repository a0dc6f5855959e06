"""Statistics do not depend on how the rows are batched."""

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.executors.transform import statistics
from flightline.executors.transform.job import StatisticsPaths


def column(values, kind):
    return pa.array(values, pa.large_list(kind))


NUMBERS = [[1.5], None, [2.5, 4.0], [], [8.0], [0.0]]
WORDS = [[b"x"], [b"yy"], None, [b"x"], [], [b"z"]]


def batch(rows):
    return pa.RecordBatch.from_arrays(
        [column(NUMBERS[rows], pa.float32()), column(WORDS[rows], pa.large_binary())], ["number", "word"]
    )


def collect(tmp_path, batches):
    collector = statistics.StatisticsCollector(tfdv.StatsOptions(use_sketch_based_topk_uniques=True))
    for one in batches:
        collector.add(one)
    collector.write(StatisticsPaths(str(tmp_path / "stats"), str(tmp_path / "schema")))
    return statistics_pb2.DatasetFeatureStatisticsList.FromString((tmp_path / "stats").read_bytes())


@pytest.mark.parametrize("block_bytes", [1, 150, 1 << 20])
def test_statistics_do_not_depend_on_the_batches(tmp_path, monkeypatch, block_bytes):
    expected = collect(tmp_path, [batch(slice(0, 6))])
    monkeypatch.setattr(statistics, "_BLOCK_BYTES", block_bytes)
    cuts = [slice(0, 1), slice(1, 1), slice(1, 3), slice(3, 6)]
    (dataset,) = collect(tmp_path, map(batch, cuts)).datasets
    assert dataset.num_examples == 6
    by_name = {feature.path.step[0]: feature for feature in dataset.features}
    assert by_name.keys() == {"number", "word"}
    for feature in expected.datasets[0].features:
        assert by_name[feature.path.step[0]] == feature


def test_batches_of_different_types_are_all_counted(tmp_path):
    without_kind = pa.RecordBatch.from_arrays([pa.nulls(2), pa.nulls(2)], ["number", "word"])
    (dataset,) = collect(tmp_path, [batch(slice(0, 3)), without_kind, batch(slice(3, 6))]).datasets
    common = dataset.features[0].num_stats.common_stats
    assert (dataset.num_examples, common.num_non_missing, common.num_missing) == (8, 5, 3)


def test_no_batch_gives_an_empty_data_set(tmp_path):
    (dataset,) = collect(tmp_path, []).datasets
    assert (dataset.num_examples, len(dataset.features)) == (0, 0)
