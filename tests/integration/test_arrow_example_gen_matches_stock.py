"""ArrowExampleGen beside the stock component, both run for real."""

import csv
import gzip
import random
import struct
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from tensorflow.core.example import example_pb2
from tfx import v1 as tfx
from tfx.components.example_gen import utils
from tfx.components.example_gen.csv_example_gen import executor as csv_executor
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from flightline.components.arrow_example_gen import ArrowExampleGen, ArrowExampleGenExecutor
from flightline.errors import InputError

BEAM = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=local"]
THIRDS = example_gen_pb2.Output(
    split_config=example_gen_pb2.SplitConfig(
        splits=[example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=5) for name in ("a", "b", "c")]
    )
)
PER_FILE = example_gen_pb2.Input(
    splits=[example_gen_pb2.Input.Split(name=name, pattern=f"{name}*.csv") for name in ("train", "eval")]
)


@pytest.fixture
def data(tmp_path):
    """Three files of 100 rows: ints, floats, gaps, quotes, lines in fields, a column without any value."""
    rng, directory = random.Random(0), tmp_path / "data"
    directory.mkdir()
    for name in ("train1", "train2", "eval"):
        with (directory / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            file.write("n,x,mixed,text,empty\n")  # no name begins another: protobuf 6 orders these differently
            for i in range(100):
                text = rng.choice(["", "é漢", 'say "hi"', "two\nlines", "a,b", " pad "])
                writer.writerow([i - 50, rng.random() if i % 7 else "", rng.choice([1, 2.5, ""]), text, ""])
    return directory


def run(executor_class, data, output, input_config, output_config):
    artifact = standard_artifacts.Examples()
    artifact.uri = str(output)
    properties = {
        "input_base": str(data),
        "input_config": proto_utils.proto_to_json(input_config),
        "output_config": proto_utils.proto_to_json(output_config),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
    }
    context = base_beam_executor.BaseBeamExecutor.Context(BEAM, tmp_dir=str(output) + "-tmp", unique_id="1")
    executor_class(context).Do({}, {"examples": [artifact]}, properties)
    return artifact


def records(directory):
    """Split to its records, sorted: stock shuffles them."""
    splits = {}
    for file in Path(directory).glob("Split-*/*"):
        content, at, found = gzip.decompress(file.read_bytes()), 0, []
        while at < len(content):
            (size,) = struct.unpack_from("<Q", content, at)
            message = example_pb2.Example.FromString(content[at + 12 : at + 12 + size])
            found.append(message.SerializeToString(deterministic=True))
            at += 16 + size
        splits.setdefault(file.parent.name, []).extend(found)
    return {name: sorted(found) for name, found in splits.items()}


@pytest.mark.parametrize(
    ("input_config", "output_config"),
    [(utils.make_default_input_config(), THIRDS), (PER_FILE, example_gen_pb2.Output())],
    ids=["shared out by hash", "a pattern for each split"],
)
def test_examples_equal_those_of_the_stock_executor(tmp_path, data, input_config, output_config):
    ours = run(ArrowExampleGenExecutor, data, tmp_path / "ours", input_config, output_config)
    stock = run(csv_executor.Executor, data, tmp_path / "stock", input_config, output_config)
    expected = records(stock.uri)
    assert sum(map(len, expected.values())) == 300
    assert records(ours.uri) == expected
    assert ours.split_names == stock.split_names
    for name, value in stock.mlmd_artifact.custom_properties.items():
        assert ours.mlmd_artifact.custom_properties[name] == value
    assert ours.get_int_custom_property("rows_read") == 300


def test_without_a_driver_the_executor_resolves_the_newest_span(tmp_path, data):
    for name in ("train1", "train2"):
        (tmp_path / "spans" / f"span-0{name[-1]}").mkdir(parents=True)
        (data / f"{name}.csv").rename(tmp_path / "spans" / f"span-0{name[-1]}" / "in.csv")
    spans = utils.make_default_input_config("span-{SPAN:2}/*.csv")
    artifact = run(ArrowExampleGenExecutor, tmp_path / "spans", tmp_path / "out", spans, THIRDS)
    assert [artifact.get_int_custom_property(name) for name in ("span", "rows_read")] == [2, 100]
    with pytest.raises(InputError, match="span-"):
        run(ArrowExampleGenExecutor, data, tmp_path / "nothing", spans, THIRDS)


def test_the_same_input_gives_the_same_bytes(tmp_path, data):
    outputs = [
        run(ArrowExampleGenExecutor, data, tmp_path / name, utils.make_default_input_config(), THIRDS).uri
        for name in ("one", "two")
    ]
    first, second = ([file.read_bytes() for file in sorted(Path(uri).glob("*/*"))] for uri in outputs)
    assert first == second


def test_no_matching_file_is_an_input_error(tmp_path, data):
    nothing = utils.make_default_input_config("*.tsv")
    with pytest.raises(InputError, match=r"\*\.tsv: no file matches"):
        run(ArrowExampleGenExecutor, data, tmp_path / "out", nothing, THIRDS)


def test_runs_in_a_pipeline_on_the_newest_span_with_the_counts_on_record(tmp_path, data):
    for span, source in ((1, "train1"), (2, "train2")):
        (tmp_path / "spans" / f"span-{span:02}").mkdir(parents=True)
        (data / f"{source}.csv").rename(tmp_path / "spans" / f"span-{span:02}" / "in.csv")
    gen = ArrowExampleGen(
        str(tmp_path / "spans"),
        label="x",
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name="all", pattern="span-{SPAN:2}/*.csv")]
        ),
    ).with_id("ExampleGen")
    config = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))
    pipeline = tfx.dsl.Pipeline(
        "test", str(tmp_path / "root"), metadata_connection_config=config, components=[gen], enable_cache=False
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)

    (artifact,) = MetadataStore(config).get_artifacts_by_type("Examples")
    counts = {name: value.int_value for name, value in artifact.custom_properties.items()}
    assert (counts["span"], counts["rows_read"], counts["rows_rejected_missing_label"]) == (2, 100, 15)
    assert counts["rows_split_train"] + counts["rows_split_eval"] == 85
    rejected = (Path(artifact.uri) / "rejected" / "rejected.csv").read_text().splitlines()
    assert rejected[0] == "file,line,reason,column,detail,text"
    assert str(tmp_path / "spans" / "span-02" / "in.csv") in rejected[1]
