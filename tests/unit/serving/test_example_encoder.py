"""The server encodes the same bytes as ExampleGen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flightline.executors.example_gen.encoder import Column, encode_examples
from flightline.serving.example_encoder import encode_example, entry_encoder

INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_infinity=False)  # NaN included: the encoder itself does not judge
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=300)
VALUES = {"int": INTS, "float": FLOATS, "bytes": TEXTS}


@st.composite
def tables(draw):
    """(kind of each column, rows of values or None)."""
    names = draw(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=40), min_size=1, max_size=5))
    kinds = {name: draw(st.sampled_from(sorted(VALUES))) for name in names}
    count = draw(st.integers(1, 4))
    columns = {
        name: draw(st.lists(st.none() | VALUES[kind], min_size=count, max_size=count)) for name, kind in kinds.items()
    }
    return kinds, columns


def as_training_has_it(kind, values):
    there = [value for value in values if value is not None]
    places, at = [], 0
    for value in values:
        places.append(None if value is None else at)
        at += value is not None
    distinct = {
        "int": lambda: np.array(there, np.int64),
        "float": lambda: np.array(there, np.float32),
        "bytes": lambda: pa.array([text.encode() for text in there], pa.binary()),
    }[kind]()
    return Column(kind, distinct, pa.array(places, pa.int32()))


@given(tables())
def test_rows_are_encoded_like_example_gen(table):
    kinds, columns = table
    trained = encode_examples({name: as_training_has_it(kinds[name], values) for name, values in columns.items()})
    # By their UTF-8 bytes, as by their characters: the order of Python's text.
    encoders = {name: entry_encoder(name, kinds[name]) for name in sorted(columns)}
    count = len(next(iter(columns.values())))
    served = [encode_example(encode(columns[name][row]) for name, encode in encoders.items()) for row in range(count)]
    assert served == trained.to_pylist()
