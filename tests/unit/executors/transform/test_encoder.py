"""Encoded records are read back by protobuf."""

from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flightline.executors.transform import encoder
from flightline.executors.transform.encoder import encode_examples

NAMES = st.text(min_size=1, max_size=200)
DTYPES = st.sampled_from([np.dtype(np.float32), np.dtype(np.int64), np.dtype(object)])


@st.composite
def columns(draw):
    rows = draw(st.integers(0, 5))
    chosen = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        dtype = draw(DTYPES)
        shape = (rows, *draw(st.lists(st.integers(1, 3), max_size=2)))
        elements = st.binary(max_size=300) if dtype.kind == "O" else hnp.from_dtype(dtype)
        chosen[name] = draw(hnp.arrays(dtype, shape, elements=elements))
    return chosen


def as_proto(row: dict[str, np.ndarray]) -> tf.train.Example:
    example = tf.train.Example()
    for name, values in row.items():
        feature = example.features.feature[name]
        kind = {"f": feature.float_list, "i": feature.int64_list, "O": feature.bytes_list}[values.dtype.kind]
        kind.value.extend(values.ravel().tolist())
    return example


@settings(max_examples=150, deadline=None)
@given(columns())
def test_each_record_holds_the_values_of_its_row(table):
    records = encode_examples(table)
    rows = len(next(iter(table.values())))
    expected = [as_proto({name: column[i : i + 1] for name, column in table.items()}) for i in range(rows)]
    read = [tf.train.Example.FromString(record) for record in records]
    # Compared as bytes, because NaN does not equal itself.
    assert [r.SerializeToString(deterministic=True) for r in read] == [
        e.SerializeToString(deterministic=True) for e in expected
    ]


def test_features_are_in_the_order_of_their_names():
    (record,) = encode_examples({"b": np.ones(1, np.float32), "a": np.ones(1, np.int64)})
    assert record.index(b"\x0a\x01a") < record.index(b"\x0a\x01b")


def test_integers_of_every_varint_width_are_encoded_in_one_batch():
    values = np.array([0, 1, 127, 128, 2**14, 2**35, 2**63 - 1, -1, -(2**63)], np.int64)
    read = [tf.train.Example.FromString(record).features.feature["x"] for record in encode_examples({"x": values})]
    assert [feature.int64_list.value[0] for feature in read] == values.tolist()


def test_rows_wider_than_the_buffer_are_encoded_in_parts():
    table = {"text": np.array([b"x" * n for n in (0, 1000, 5)], object), "n": np.arange(3)}
    whole = encode_examples(table)
    with mock.patch.object(encoder, "_MATRIX_BYTES", 10):
        assert encode_examples(table) == whole


def test_outputs_of_unequal_length_are_refused_by_name():
    with pytest.raises(ValueError, match=r"'short': 1"):
        encode_examples({"long": np.zeros(2, np.float32), "short": np.zeros(1, np.float32)})


def test_a_dtype_that_an_example_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="float64"):
        encode_examples({"x": np.zeros(2)})
