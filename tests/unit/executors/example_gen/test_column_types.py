import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tfx_bsl.coders import csv_decoder

from flightline.executors.example_gen.column_types import infer_kind, parse_values, wider_kind

NUMBERLIKE = st.text("0123456789+-._eE xXnaifINF\t\n", min_size=1, max_size=8)
FLOATS = st.floats(width=64).map(repr)
INTS = st.integers(-(2**65), 2**65).map(str)
TEXTS = st.one_of(NUMBERLIKE, FLOATS, INTS, st.text(min_size=1, max_size=5)).map(lambda text: text.encode("utf-8"))
STOCK_KINDS = {csv_decoder.ColumnType.INT: "int", csv_decoder.ColumnType.FLOAT: "float", None: None}


def stock_kind(texts):
    widest_type = max((csv_decoder._InferValueType(text) for text in texts), default=None)
    return STOCK_KINDS.get(widest_type, "bytes")


@settings(deadline=None, max_examples=400)
@given(st.lists(TEXTS, max_size=4))
@example([b"9223372036854775807", b"-9223372036854775808"])
@example([b"9223372036854775808"])
@example([b"1.5", b"12345678901234567890"])
@example([b"0x1F"])
@example([b" 12", b"1_000"])
@example([b"nan", b"-inf"])
def test_inferred_types_equal_those_of_stock(texts):
    assert infer_kind(pa.array(texts, pa.binary())) == stock_kind(texts)


def as_int(text):
    """An integer, or an integral float up to 2**53, as an int64.

    Raises:
        ValueError: it is neither.
    """
    try:
        number = int(text)
    except ValueError:
        if not math.isfinite(float(text)) or abs(float(text)) > 2**60:
            raise
        number = Fraction(text.decode().replace("_", ""))
        if number.denominator != 1 or abs(number) > 2**53:
            raise
        number = int(number)
    tf.train.Int64List(value=[number])  # raises beyond int64
    return number


def as_float(text):
    if abs(float(text)) == 3.4028235677973366e38:  # halfway to infinity; protobuf 6 rounds it to infinity
        return np.copysign(np.finfo(np.float32).max, float(text))
    return tf.train.FloatList(value=[float(text)]).value[0]


@settings(deadline=None, max_examples=400)
@given(st.lists(TEXTS, max_size=4), st.sampled_from(["int", "float"]))
@example([b"3.4028235677973366e+38", b"-3.4028235677973366e+38"], "float")
@example([b"12.0", b"-7.000", b" 1e3 ", b"0.1e1", b"9007199254740992.0", b"1e-5"], "int")
@example([b"3.4028235677973362e+38", b"3.41e+38", b"-1e400", b"1e-46", b"-0.0"], "float")
def test_parsed_numbers_equal_those_of_python_and_protobuf(texts, kind):
    read = as_int if kind == "int" else as_float
    values, bad = parse_values(pa.array(texts, pa.binary()), kind)
    for text, value, is_bad in zip(texts, values, bad, strict=True):
        try:
            expected = read(text)
        except ValueError:
            assert is_bad
        else:
            assert not is_bad
            assert np.array(expected, values.dtype).tobytes() == value.tobytes()


@pytest.mark.parametrize(
    ("values", "kind", "expected", "bad"),
    [
        (pa.array([1, 2**63], pa.uint64()), "int", [1], [False, True]),
        (pa.array([1.0, 1.5, float("nan"), float("inf")]), "int", [1], [False, True, True, True]),
        (pa.array([3, -4], pa.int8()), "float", [3.0, -4.0], [False, False]),
        (pa.array([3, -4], pa.int8()), "bytes", [b"3", b"-4"], [False, False]),
        (pa.array(["7", "x"]), "int", [7], [False, True]),
        (pa.array(["12.0", "-0.0", "1e3", "1.5", "inf"]), "int", [12, 0, 1000], [False, False, False, True, True]),
        (pa.array(["9007199254740992.0", "9007199254740993.0"]), "int", [2**53], [False, True]),
        (pa.array(["12.0000000000000000001", "1e999999999999", "0_.0"]), "int", [], [True, True, True]),
        (pa.array([2.0**53, 2.0**53 + 2]), "int", [2**53], [False, True]),
    ],
)
def test_typed_columns_are_converted_to_the_declared_type(values, kind, expected, bad):
    parsed = parse_values(values, kind)
    assert parsed.bad.tolist() == bad
    good = [value for value, is_bad in zip(parsed.values.tolist(), bad, strict=True) if not is_bad]
    assert good == expected


def test_the_wider_kind_is_bytes_then_float_then_int_then_none():
    assert [
        wider_kind(None, None),
        wider_kind(None, "int"),
        wider_kind("float", "int"),
        wider_kind("float", "bytes"),
    ] == [
        None,
        "int",
        "float",
        "bytes",
    ]
