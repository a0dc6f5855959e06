"""Reading files and parsing specs."""

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.executors.transform.supported import UnsupportedTransformError
from flightline.executors.transform.tfrecords import list_files, parsing_spec, read_batches


def write(path, records, compression=""):
    with tf.io.TFRecordWriter(str(path), compression) as out:
        for record in records:
            out.write(record)


@pytest.mark.parametrize(("suffix", "compression"), [("", ""), (".gz", "GZIP")])
def test_batches_span_files_in_the_order_of_their_names(tmp_path, suffix, compression):
    write(tmp_path / f"b{suffix}", [b"3", b"4"], compression)
    write(tmp_path / f"a{suffix}", [b"1", b"2"], compression)
    batches = [batch.numpy().tolist() for batch in read_batches(list_files(f"{tmp_path}/*"), 3)]
    assert batches == [[b"1", b"2", b"3"], [b"4"]]


def test_a_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(UnsupportedTransformError, match="no file matches"):
        list_files(f"{tmp_path}/*")


def test_a_mix_of_compressed_and_plain_files_is_refused(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b.gz").touch()
    with pytest.raises(UnsupportedTransformError, match="mixes"):
        list_files(f"{tmp_path}/*")


def schema_of(text):
    return text_format.Parse(text, schema_pb2.Schema())


def test_fixed_and_variable_length_features_are_parsed():
    schema = schema_of(
        'feature { name: "dense" type: FLOAT shape {} presence { min_fraction: 1 } }'
        'feature { name: "optional" type: BYTES }'
    )
    specs = {"dense": tf.TensorSpec([None], tf.float32), "optional": tf.SparseTensorSpec([None, None], tf.string)}
    assert parsing_spec(schema, specs) == {
        "dense": tf.io.FixedLenFeature([], tf.float32),
        "optional": tf.io.VarLenFeature(tf.string),
    }


def test_tensors_that_the_parser_cannot_produce_are_refused():
    schema = schema_of('feature { name: "x" type: INT }')
    with pytest.raises(UnsupportedTransformError, match="does not give"):
        parsing_spec(schema, {"x": tf.RaggedTensorSpec([None, None], tf.int64)})


def test_a_sparse_feature_is_refused():
    schema = schema_of("""
        feature { name: "i" type: INT } feature { name: "v" type: FLOAT }
        sparse_feature { name: "s" index_feature { name: "i" } value_feature { name: "v" } is_sorted: true }
        tensor_representation_group { key: "" value { tensor_representation { key: "s" value { sparse_tensor {
            dense_shape { dim { size: 9 } } index_column_names: "i" value_column_name: "v" } } } } }""")
    with pytest.raises(UnsupportedTransformError, match="SparseFeature"):
        parsing_spec(schema, {"s": tf.SparseTensorSpec([None, 9], tf.float32)})
