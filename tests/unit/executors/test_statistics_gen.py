"""Statistics equal those of `tfdv.GenerateStatistics` on Beam."""

import math
import random

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.executors import statistics_gen
from flightline.executors.examples import decode_examples
from flightline.executors.statistics_gen import TooManyDistinctError, compute_statistics, list_unsupported_options

SCHEMA = text_format.Parse(
    """
    feature { name: "code" type: INT int_domain { is_categorical: true } }
    feature { name: "raw" type: BYTES image_domain {} }
    feature { name: "text" type: BYTES }
    """,
    schema_pb2.Schema(),
)
BEAM = PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory"])


def feature(value):
    if value is None:
        return tf.train.Feature()
    kinds = {int: ("int64_list", tf.train.Int64List), float: ("float_list", tf.train.FloatList)}
    kind, make = kinds.get(type(value[0]) if value else int, ("bytes_list", tf.train.BytesList))
    return tf.train.Feature(**{kind: make(value=value)})


def make_messy_examples(rows, seed=0):
    """Examples with missing and empty features, several values, NaN and infinity, and bytes that are not UTF-8."""
    rng = random.Random(seed)
    columns = {
        "number": lambda: [rng.choice([rng.gauss(0, 1), 0.0, math.nan, math.inf])],
        "gaps": lambda: rng.choice([None, [], [rng.randrange(9)]]),
        "code": lambda: [rng.randrange(5)],
        "many": lambda: [rng.choice([b"a", b"b"]) for _ in range(rng.randrange(1, 4))],
        "text": lambda: [rng.choice([b"x", "é漢".encode(), b"\xff", b"tie1", b"tie2"])],
        "raw": lambda: [b"z" * rng.randrange(5)],
        "id": lambda: [b"%d" % rng.randrange(10**6)],
        "never": lambda: None,
    }
    return [
        tf.train.Example(
            features=tf.train.Features(
                feature={n: feature(make()) for n, make in columns.items() if n != "gaps" or rng.random() < 0.8}
            )
        ).SerializeToString(deterministic=True)
        for _ in range(rows)
    ]


def compute_on_beam(batches, options, directory):
    output = str(directory / "stock.pb")
    with beam.Pipeline(options=BEAM) as pipeline:
        _ = (
            pipeline
            | beam.Create(batches, reshuffle=False)
            | tfdv.GenerateStatistics(options)
            | tfdv.WriteStatisticsToBinaryFile(output)
        )
    return tfdv.load_stats_binary(output)


def assert_same(result, expected):
    assert result.datasets[0].name == expected.datasets[0].name
    features, expected_features = (
        {feature.path.step[0]: json_format.MessageToDict(feature) for feature in r.datasets[0].features}
        for r in (result, expected)
    )
    assert features.keys() == expected_features.keys()
    for name, expected_feature in expected_features.items():
        assert_close(features[name], expected_feature, name)


def assert_close(value, expected, where):
    if isinstance(expected, dict):
        assert value.keys() == expected.keys(), where
        for key in expected:
            assert_close(value[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(value) == len(expected), where
        for i, item in enumerate(expected):
            assert_close(value[i], item, f"{where}[{i}]")
    elif isinstance(expected, float):
        assert value == pytest.approx(expected, rel=1e-6, nan_ok=True), where
    else:
        assert value == expected, where


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"schema": SCHEMA, "num_top_values": 3, "frequency_threshold": 50, "num_rank_histogram_buckets": 4},
        {"feature_allowlist": ["text", "number", "not there"], "num_histogram_buckets": 4, "epsilon": 0.05},
        {"num_top_values": 2, "num_rank_histogram_buckets": 3, "num_quantiles_histogram_buckets": 3},
        {"use_sketch_based_topk_uniques": True, "schema": SCHEMA},
    ],
    ids=lambda options: ", ".join(options) or "defaults",
)
def test_statistics_equal_those_of_beam(tmp_path, options):
    batches = [decode_examples(make_messy_examples(150, seed)) for seed in range(3)]
    options = tfdv.StatsOptions(**options)
    assert list_unsupported_options(options) == ""
    assert_same(compute_statistics(batches, options), compute_on_beam(batches, options, tmp_path))


def test_statistics_of_no_examples_equal_those_of_beam(tmp_path):
    options = tfdv.StatsOptions()
    nothing = [pa.RecordBatch.from_arrays([], [])]
    assert compute_statistics([], options) == compute_on_beam(nothing, options, tmp_path)


def test_statistics_do_not_depend_on_the_batches():
    examples = make_messy_examples(300)
    options = tfdv.StatsOptions()
    one = compute_statistics([decode_examples(examples)], options)
    many = compute_statistics([decode_examples(examples[i : i + 7]) for i in range(0, 300, 7)], options)
    assert_same(many, one)


def test_too_many_distinct_values_are_an_error(monkeypatch):
    monkeypatch.setattr(statistics_gen, "MAX_DISTINCT_VALUES", 100)
    with pytest.raises(TooManyDistinctError, match="more than 100 distinct values"):
        compute_statistics([decode_examples(make_messy_examples(200))], tfdv.StatsOptions())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sample_rate": 0.5}, "sample_rate"),
        ({"weight_feature": "w"}, "weight_feature"),
        ({"label_feature": "y"}, "label_feature"),
        ({"experimental_slice_functions": [lambda batch: [("all", batch)]]}, "slice_functions"),
        ({"enable_semantic_domain_stats": True}, "enable_semantic_domain_stats"),
        ({"add_default_generators": False}, "add_default_generators"),
        ({"feature_allowlist": [tfdv.FeaturePath(["a"])]}, "feature_allowlist of paths"),
        ({"schema": schema_pb2.Schema(sparse_feature=[schema_pb2.SparseFeature(name="s")])}, "sparse"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsupported_option_is_named(options, reason):
    assert reason in list_unsupported_options(tfdv.StatsOptions(**options))


def test_options_parsed_from_json_are_supported():
    options = tfdv.StatsOptions(schema=SCHEMA, num_top_values=5)
    assert list_unsupported_options(tfdv.StatsOptions.from_json(options.to_json())) == ""
