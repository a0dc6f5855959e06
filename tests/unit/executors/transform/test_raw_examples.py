"""Raw examples are decoded by their schema as in stock Transform, and counted once."""

import pyarrow as pa
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.beam import analyzer_cache
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util

from flightline.executors.transform import raw_examples as raw
from flightline.executors.transform.job import SplitSource

SCHEMA = text_format.Parse(
    """
    feature { name: "f" type: FLOAT } feature { name: "i" type: INT } feature { name: "b" type: BYTES }
    feature { name: "dense" type: INT shape {} presence { min_fraction: 1 } } feature { name: "unused" type: INT }
    """,
    schema_pb2.Schema(),
)
COLUMNS = ["b", "dense", "f", "i"]


def example(**features):
    """A serialized example; each feature is a list of values, or None for a feature without a kind."""
    message = tf.train.Example()
    for name, values in features.items():
        feature = message.features.feature[name]
        if values is not None:
            kind = {float: "float_list", int: "int64_list", bytes: "bytes_list"}[type((values or [0])[0])]
            getattr(feature, kind).value.extend(values)
            getattr(feature, kind).SetInParent()
    return message.SerializeToString(deterministic=True)


FULL = example(f=[0.5], i=[3], b=[b"x"], dense=[-1], unused=[4])
NO_KIND = example(f=None, i=[3], b=None, dense=[-1], unused=[4])
BATCHES = {
    "uniform": [FULL, FULL],
    "some without a kind": [FULL, NO_KIND],
    "no row with a kind": [NO_KIND, NO_KIND],
    "a feature that no row has": [example(f=[0.5], dense=[1])] * 2,
    "a feature that some rows have": [FULL, example(f=[0.5], dense=[1])],
    "many values": [FULL, example(f=[0.5, 1.5], i=[3], b=[b"x", b""], dense=[1, 2])],
    "no value": [FULL, example(f=[0.5], i=[], b=[b"x"], dense=[1], unused=[4])],
    "one row": [FULL],
    "another type in an unused feature": [example(f=[0.5], i=[3], b=[b"x"], dense=[1], unused=[b"?"])],
    "no rows": [],
}


def decode_with_stock(examples, columns):
    projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(SCHEMA, columns)
    return example_coder.ExamplesToRecordBatchDecoder(projected.SerializeToString()).DecodeBatch(examples)


@pytest.mark.parametrize("columns", [COLUMNS, ["f"]])
@pytest.mark.parametrize("examples", BATCHES.values(), ids=BATCHES)
def test_types_and_values_equal_those_of_stock(examples, columns):
    decoded, expected = raw.ExampleDecoder(SCHEMA, columns).decode(examples), decode_with_stock(examples, columns)
    assert decoded.schema == expected.schema
    assert decoded.to_pydict() == expected.to_pydict()


def test_a_type_that_contradicts_the_schema_fails_as_in_stock():
    wrong = [example(f=[1], i=[3], b=[b"x"], dense=[1])]
    with pytest.raises(Exception, match="f") as expected:
        decode_with_stock(wrong, COLUMNS)
    with pytest.raises(type(expected.value)) as ours:
        raw.ExampleDecoder(SCHEMA, COLUMNS).decode(wrong)
    assert str(ours.value) == str(expected.value)


def test_uniform_examples_are_decoded_without_tfx_bsl(monkeypatch):
    decoder = raw.ExampleDecoder(SCHEMA, COLUMNS)
    monkeypatch.setattr(decoder, "_decoder", None)
    assert decoder.decode([FULL, NO_KIND]).num_rows == 2


class Recorder:
    """A statistics collector that keeps the batches instead of counting them."""

    def __init__(self):
        self.blocks = []

    def add(self, batch: pa.RecordBatch):
        self.blocks.append(batch.column(batch.schema.get_field_index("i")).to_pylist())

    @property
    def numbers(self):
        return [number for block in self.blocks for (number,) in block]


@pytest.fixture
def splits(tmp_path):
    """Two splits with the numbers 0 to 9 and 10 to 19."""
    sources = []
    for split in range(2):
        path = tmp_path / f"{split}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as out:
            for number in range(10 * split, 10 * split + 10):
                out.write(example(i=[number]))
        sources.append(SplitSource(analyzer_cache.DatasetKey(str(split)), str(path)))
    return sources


def raw_examples(splits, collector):
    return raw.RawExamples(splits, raw.ExampleDecoder(SCHEMA, ["i"]), collector)


@pytest.mark.parametrize("block_bytes", [1, 100, 1 << 20])
def test_a_split_that_is_read_twice_is_counted_once(splits, monkeypatch, block_bytes):
    monkeypatch.setattr(raw, "BATCH_BYTES", block_bytes)
    recorder = Recorder()
    examples = raw_examples(splits, recorder)
    sizes = [[len(batch) for batch in examples.batches(splits[0], 4)] for _ in range(2)]
    assert sizes == [[4, 4, 2]] * 2
    assert recorder.numbers == list(range(10))
    assert len(recorder.blocks) == {1: 3, 100: 2, 1 << 20: 1}[block_bytes]
    examples.finish_statistics()
    assert recorder.numbers == list(range(20))
    examples.finish_statistics()
    assert recorder.numbers == list(range(20))


def test_nothing_is_decoded_without_statistics(splits, monkeypatch):
    monkeypatch.setattr(raw.ExampleDecoder, "decode", None)
    examples = raw_examples(splits, None)
    examples.finish_statistics()
    assert sum(len(batch) for batch in examples.batches(splits[1], 3)) == 10


def test_a_split_without_rows_gives_no_batches(tmp_path):
    tf.io.TFRecordWriter(str(tmp_path / "none.gz"), "GZIP").close()
    source = SplitSource(analyzer_cache.DatasetKey("none"), str(tmp_path / "none.gz"))
    recorder = Recorder()
    raw_examples([source], recorder).finish_statistics()
    assert recorder.blocks == []
