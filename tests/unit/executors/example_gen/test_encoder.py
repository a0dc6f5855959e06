import numpy as np
import pyarrow as pa
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flightline.executors.example_gen.encoder import Column, encode_examples, encode_features
from flightline.executors.varint import encode_varint

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT32 = st.floats(width=32)
LISTS = {
    "int": lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
    "float": lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
    "bytes": lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
    None: lambda _: tf.train.Feature(),
}
CELLS = {"int": INT64, "float": FLOAT32, "bytes": st.binary(max_size=300), None: st.none()}


@st.composite
def tables(draw):
    """Column name → (kind, the value or None of each row)."""
    rows = draw(st.integers(1, 5))
    names = draw(st.lists(st.text(max_size=200), min_size=1, max_size=4, unique=True))
    kinds = st.sampled_from(list(CELLS))
    return {
        name: (kind, draw(st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows)))
        for name, kind in ((name, draw(kinds)) for name in names)
    }


def column(kind, cells):
    values = [cell for cell in cells if cell is not None]
    places = iter(range(len(values)))
    indices = pa.array([None if cell is None else next(places) for cell in cells], pa.int32())
    if kind == "bytes":
        return Column(kind, pa.array(values, pa.binary()), indices)
    return Column(kind, np.array(values, {"int": np.int64, "float": np.float32, None: object}[kind]), indices)


def feature(kind, cell):
    return LISTS[kind]([] if cell is None else [cell])


def serialize_sorted(features):
    """tf.train.Features as bytes, with sorted names, whatever order protobuf uses."""
    entries = [tf.train.Features(feature={name: features[name]}) for name in sorted(features)]
    return b"".join(entry.SerializeToString() for entry in entries)


def has_name_that_is_a_prefix(names):
    """Protobuf 6 sorts a name after those that it is a prefix of, earlier versions before them."""
    return any(name != other and other.startswith(name) for name in names for other in names)


@settings(deadline=None, max_examples=200)
@given(tables())
@example({"a": ("bytes", [b"x" * 20_000]), "n" * 130: ("int", [0]), "z": ("float", [-0.0])})
@example({"temp": ("int", [1]), "temperature": ("int", [2])})
def test_encoded_bytes_equal_deterministic_protobuf(table):
    encoded = encode_examples({name: column(*cells) for name, cells in table.items()}).to_pylist()
    for row, record in enumerate(encoded):
        features = {name: feature(kind, cells[row]) for name, (kind, cells) in table.items()}
        inner = serialize_sorted(features)
        assert record == b"\n" + encode_varint(len(inner)) + inner
        if not has_name_that_is_a_prefix(features):
            message = tf.train.Example(features=tf.train.Features(feature=features))
            assert record == message.SerializeToString(deterministic=True)


def test_a_single_column_is_encoded_as_features():
    for kind, cell in (("int", -1), ("float", 1.5), ("bytes", b"abc")):
        expected = [feature(kind, cell).SerializeToString(), feature(kind, None).SerializeToString()]
        assert encode_features(column(kind, [cell, None])).to_pylist() == expected


def test_a_varint_uses_one_byte_per_seven_bits():
    assert [encode_varint(0), encode_varint(127), encode_varint(128), encode_varint(300)] == [
        b"\x00",
        b"\x7f",
        b"\x80\x01",
        b"\xac\x02",
    ]
