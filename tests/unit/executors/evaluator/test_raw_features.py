"""Raw features equal those of tf.train.Example; their types are inferred from the data."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import make_example

from flightline.executors.evaluator.raw_features import RawColumn, RawFeatureParser
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

rows_of_features = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.lists(st.binary(max_size=4), max_size=1),
            "number": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=1),
            "price": st.lists(st.floats(width=32, allow_nan=False), max_size=1),
            "other": st.lists(st.integers(0, 9), max_size=3),
        },
    ),
    min_size=1,
    max_size=6,
)


def batch(rows: list[dict[str, list[Any]]]) -> tf.Tensor:
    kinds = {"text": bytes, "price": float}
    return tf.constant([make_example(row, kinds) for row in rows])


def values_of(column: RawColumn | None, rows: int) -> list[Any]:
    """The value of each row, or None."""
    if column is None:
        return [None] * rows
    values = iter(column.values.tolist())
    return [next(values) if present else None for present in column.present]


@given(st.lists(rows_of_features, min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_parsed_values_equal_those_of_the_examples(batches: list[list[dict[str, list[Any]]]]) -> None:
    parser = RawFeatureParser(["text", "number", "price"])
    for rows in batches:
        columns = parser.parse(batch(rows))
        assert columns.keys() <= {"text", "number", "price"}
        for name in ("text", "number", "price"):
            expected = [row[name][0] if row.get(name) else None for row in rows]
            assert values_of(columns.get(name), len(rows)) == expected


def test_a_feature_missing_in_the_first_batch_is_parsed_later() -> None:
    parser = RawFeatureParser(["number"])
    assert parser.parse(batch([{}, {"text": [b"a"]}])) == {}
    column = parser.parse(batch([{}, {"number": [3]}]))["number"]
    np.testing.assert_array_equal(column.present, [False, True])
    np.testing.assert_array_equal(column.values, [3])


def test_several_values_in_a_row_are_refused() -> None:
    with pytest.raises(UnsupportedEvaluationError, match="'number' has several values"):
        RawFeatureParser(["number"]).parse(batch([{"number": [1]}, {"number": [1, 2]}]))


def test_a_change_of_type_is_refused() -> None:
    parser = RawFeatureParser(["number"])
    parser.parse(batch([{"number": [1]}]))
    with pytest.raises(UnsupportedEvaluationError, match="differ in their types"):
        parser.parse(tf.constant([make_example({"number": [b"a"]}, {"number": bytes})]))
