"""StatisticsGen with the fast executor beside the stock executor, both run for real."""

import random
from importlib.metadata import version
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import json_format
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.statistics_gen import component
from tfx.components.statistics_gen import executor as stock
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, channel, standard_artifacts
from tfx.utils import io_utils

from flightline.components.fast_statistics import FastStatisticsExecutor, StatisticsGen
from flightline.executors import progress
from flightline.executors import statistics_gen as statistics
from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest

BEAM = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=local"]


@pytest.fixture
def examples(tmp_path):
    """2,000 examples with ints, floats, texts, gaps and a column without any value, in two splits."""
    rng = random.Random(0)
    source = tmp_path / "in.csv"
    with source.open("w") as file:
        file.write("n,x,text,id,none\n")
        for i in range(2000):
            cells = rng.randrange(50), rng.gauss(0, 1) if i % 9 else "", rng.choice(["", "a", "é"]), rng.randrange(900)
            file.write("{},{},{},t{},\n".format(*cells))
    counts = ingest(
        [InputSplit("all", [str(source)])],
        str(tmp_path / "examples"),
        IngestOptions(),
        HashSplit({"train": 2, "eval": 1}),
    )
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    artifact.span = 7
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    for name, value in counts.properties().items():
        artifact.set_int_custom_property(name, value)
    return artifact


def run(executor_class, output, examples, schema=None, **properties):
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(output)
    inputs = {"examples": [examples]}
    if schema is not None:
        inputs["schema"] = [standard_artifacts.Schema()]
        inputs["schema"][0].uri = f"{output}-schema"
        io_utils.write_pbtxt_file(f"{output}-schema/schema.pbtxt", schema)
    context = base_beam_executor.BaseBeamExecutor.Context(BEAM, tmp_dir=f"{output}-tmp", unique_id="1")
    executor_class(context).Do(inputs, {"statistics": [artifact]}, properties)
    return artifact


def contents(artifact):
    """File to its statistics, numbers to nine digits."""
    return {
        str(file.relative_to(artifact.uri)): rounded(json_format.MessageToDict(tfdv.load_stats_binary(str(file))))
        for file in Path(artifact.uri).rglob("*.pb")
    }


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


CATEGORICAL = schema_pb2.Schema(
    feature=[
        schema_pb2.Feature(name="n", type=schema_pb2.INT, int_domain=schema_pb2.IntDomain(is_categorical=True)),
        schema_pb2.Feature(name="id", type=schema_pb2.BYTES, image_domain=schema_pb2.ImageDomain()),
    ]
)


@pytest.mark.parametrize(
    ("schema", "properties"),
    [
        (None, {}),
        (CATEGORICAL, {"exclude_splits": '["eval"]'}),
        (None, {"stats_options_json": tfdv.StatsOptions(num_top_values=2, schema=CATEGORICAL).to_json()}),
    ],
    ids=["defaults", "a schema and an excluded split", "options"],
)
def test_statistics_equal_those_of_the_stock_executor(tmp_path, examples, schema, properties):
    ours = run(FastStatisticsExecutor, tmp_path / "ours", examples, schema, **properties)
    expected = run(stock.Executor, tmp_path / "stock", examples, schema, **properties)
    assert contents(ours) == contents(expected)
    assert ours.mlmd_artifact.properties == expected.mlmd_artifact.properties
    for name in (stock.STATS_DASHBOARD_LINK, stock.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME):
        assert ours.mlmd_artifact.custom_properties[name] == expected.mlmd_artifact.custom_properties[name]
    assert ours.get_json_value_custom_property(stock.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME) == (
        expected.get_json_value_custom_property(stock.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME)
    )


def test_the_same_examples_give_the_same_bytes(tmp_path, examples):
    files = [
        Path(run(FastStatisticsExecutor, tmp_path / name, examples).uri) / "Split-train" / "FeatureStats.pb"
        for name in ("one", "two")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture
def warnings(monkeypatch):
    seen = []
    monkeypatch.setattr("absl.logging.warning", lambda text, *args: seen.append(text % args))
    return seen


def test_options_that_need_beam_go_to_the_stock_executor_with_a_warning(tmp_path, examples, warnings):
    options = tfdv.StatsOptions(weight_feature="n")
    artifact = run(FastStatisticsExecutor, tmp_path / "ours", examples, stats_options_json=options.to_json())
    assert any("runs the stock executor, which is slower: weight_feature" in text for text in warnings)
    assert "weighted" in str(contents(artifact)).lower()


def test_a_changed_private_function_sends_the_work_to_stock_with_one_warning(tmp_path, examples, monkeypatch):
    expected = contents(run(FastStatisticsExecutor, tmp_path / "fast", examples))
    original = stats_impl.get_generators
    monkeypatch.setattr(
        stats_impl, "get_generators", lambda options: original(options)
    )  # as the stock executor calls it
    warnings = []
    with progress.listen(lambda _: None, warnings.append):
        artifact = run(FastStatisticsExecutor, tmp_path / "ours", examples)
    assert warnings == [
        "StatisticsGen runs the stock executor, which is slower: tensorflow-data-validation"
        f" {version('tensorflow-data-validation')} has tensorflow_data_validation.statistics.stats_impl.get_generators"
        " without the parameter in_memory; Flightline was checked with 1.16.1 and 1.21.0"
    ]
    assert contents(artifact) == expected


def test_too_many_distinct_values_go_to_stock(tmp_path, examples, warnings, monkeypatch):
    monkeypatch.setattr(statistics, "MAX_DISTINCT_VALUES", 100)
    artifact = run(FastStatisticsExecutor, tmp_path / "ours", examples)
    assert any("more than 100 distinct values" in text for text in warnings)
    assert sorted(contents(artifact)) == ["Split-eval/FeatureStats.pb", "Split-train/FeatureStats.pb"]


def test_missing_rows_are_an_error(tmp_path, examples):
    examples.set_int_custom_property("rows_split_train", 5)
    with pytest.raises(RuntimeError, match=r"Split-train.* ExampleGen wrote 5; run ExampleGen again"):
        run(FastStatisticsExecutor, tmp_path / "ours", examples)


def test_excluding_every_split_is_an_error(tmp_path, examples):
    with pytest.raises(ValueError, match=r"all splits of .* are excluded"):
        run(FastStatisticsExecutor, tmp_path / "ours", examples, exclude_splits='["train", "eval"]')


def test_reports_progress(tmp_path, examples):
    seen = []
    with progress.listen(seen.append):
        run(FastStatisticsExecutor, tmp_path / "ours", examples)
    assert seen == [examples.get_int_custom_property("rows_split_train"), 2000]


def test_the_component_is_the_standard_one():
    gen = StatisticsGen(examples=channel.Channel(type=standard_artifacts.Examples))
    assert isinstance(gen, component.StatisticsGen)
    assert gen.executor_spec.executor_class is FastStatisticsExecutor
