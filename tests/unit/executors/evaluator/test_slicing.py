"""Slices contain the same rows as those of TFMA's slicer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from flightline.executors.evaluator.slicing import SliceColumn, group_rows_by_slice
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

SPECS = [
    config_pb2.SlicingSpec(),
    config_pb2.SlicingSpec(feature_keys=["text"]),
    config_pb2.SlicingSpec(feature_keys=["number", "text"]),
    config_pb2.SlicingSpec(feature_values={"text": "a"}),
    config_pb2.SlicingSpec(feature_values={"text": "3", "number": "3"}),
    config_pb2.SlicingSpec(feature_keys=["text"], feature_values={"number": "-1"}),
    config_pb2.SlicingSpec(feature_keys=["absent"]),
]

rows_of_features = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.sampled_from([b"a", b"b", b"", b"3", "\u00fc".encode()]),
            "number": st.sampled_from([-1, 0, 3, 2**40]),
        },
    ),
    min_size=1,
    max_size=40,
)


def make_columns(rows: list[dict[str, Any]], batch: int = 7) -> dict[str, SliceColumn]:
    columns = {name: SliceColumn(name) for name in ("text", "number", "absent")}
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        for name, column in columns.items():
            values = [row[name] for row in part if name in row]
            if values:
                kind: Any = object if name == "text" else np.int64
                column.append(np.array(values, kind), np.array([name in row for row in part]))
            else:
                column.append_missing(len(part))
    return columns


def tfma_slices(rows: list[dict[str, Any]], specs: list[config_pb2.SlicingSpec]) -> dict[Any, list[int]]:
    single_specs = [slicer_lib.SingleSliceSpec(spec=spec) for spec in specs or [config_pb2.SlicingSpec()]]
    slices: dict[Any, list[int]] = {}
    for number, row in enumerate(rows):
        features = {k: np.array([v], object if isinstance(v, bytes) else None) for k, v in row.items()}
        for key in set(slicer_lib.get_slices_for_features_dicts([], features, single_specs)):
            slices.setdefault(key, []).append(number)
    return slices


@given(rows_of_features, st.lists(st.sampled_from(SPECS), max_size=5))
def test_slices_equal_tfma(rows: list[dict[str, Any]], specs: list[config_pb2.SlicingSpec]) -> None:
    slices = group_rows_by_slice(specs, make_columns(rows), len(rows))
    assert {key: numbers.tolist() for key, numbers in slices.items()} == tfma_slices(rows, specs)


def test_slice_order_does_not_depend_on_the_row_order() -> None:
    rows = [{"text": b"b", "number": 3}, {"text": b"a", "number": -1}]
    specs = [config_pb2.SlicingSpec(feature_keys=["text"]), config_pb2.SlicingSpec()]
    first, second = (list(group_rows_by_slice(specs, make_columns(r), 2)) for r in (rows, rows[::-1]))
    assert first == second == [(("text", "a"),), (("text", "b"),), ()]


def test_slicing_by_a_float_is_refused() -> None:
    with pytest.raises(UnsupportedEvaluationError, match=r"'price' is of type float32"):
        SliceColumn("price").append(np.array([1.5], np.float32), np.array([True]))


def test_too_many_slice_combinations_are_refused() -> None:
    names = [f"f{i}" for i in range(7)]
    columns = {name: SliceColumn(name) for name in names}
    for column in columns.values():
        column.append(np.arange(1000), np.ones(1000, bool))
    with pytest.raises(UnsupportedEvaluationError, match="combinations"):
        group_rows_by_slice([config_pb2.SlicingSpec(feature_keys=names)], columns, 1000)
