"""A file's rows are validated against the same input contract as requests."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.executors.example_gen.artifact_layout import FILE_COLUMN, LINE_COLUMN
from flightline.executors.example_gen.tables import open_table
from flightline.executors.example_gen.typed_rows import type_rows
from flightline.serving.contract import Contract, ContractViolation
from flightline.serving.input_feature import InputFeature

INPUTS = [
    {"name": "month", "type": "int", "required": True, "min": 1, "max": 12},
    {"name": "origin", "type": "bytes", "required": True, "values": ["EWR", "JFK"]},
    {"name": "temp", "type": "float", "required": False, "min": -60.0, "max": 140.0},
]
KINDS = {one["name"]: one["type"] for one in INPUTS}
ROWS = st.fixed_dictionaries(
    {
        "month": st.none() | st.integers(-2, 14),
        "origin": st.none() | st.sampled_from(["EWR", "JFK", "BOS"]),
        "temp": st.none() | st.floats(-70, 150, width=32),
    }
)


def read_typed_rows(path, rows, **options):
    lines = [",".join("" if row[name] is None else str(row[name]) for name in KINDS) for row in rows]
    path.write_text("\n".join([",".join(KINDS), *lines]) + "\n")
    [block] = open_table(str(path)).blocks(1 << 20)
    return type_rows(block, KINDS, None, {entry["name"]: InputFeature.from_json(entry) for entry in INPUTS}, **options)


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_row_is_rejected_if_a_request_with_it_is_refused(tmp_path_factory, rows):
    found = read_typed_rows(tmp_path_factory.mktemp("rows") / "rows.csv", rows)
    contract = Contract.from_inputs(INPUTS)
    refused = []
    for number, row in enumerate(rows):
        try:
            contract.read_rows([row])
        except ContractViolation:
            refused.append(number + 2)
    assert [reject.line for reject in found.rejected] == refused
    assert found.count == len(rows) - len(refused)


def test_a_rejection_names_reason_column_and_value(tmp_path):
    good = {"month": 1, "origin": "EWR", "temp": None}
    rows = [good, good | {"month": None}, good | {"month": 13}, good | {"origin": "BOS"}]
    found = read_typed_rows(tmp_path / "rows.csv", rows)
    assert [(one.line, one.reason, one.column) for one in found.rejected] == [
        (3, "missing_value", "month"),
        (4, "out_of_domain", "month"),
        (5, "out_of_domain", "origin"),
    ]
    assert "'BOS'" in found.rejected[2].detail


def test_accepted_rows_carry_their_file_and_line(tmp_path):
    good = {"month": 1, "origin": "EWR", "temp": None}
    found = read_typed_rows(tmp_path / "rows.csv", [good, good | {"month": 13}, good], row_id_path="some/file.csv")
    lines = found.columns[LINE_COLUMN]
    assert [lines.values[place] for place in lines.indices.to_pylist()] == [2, 4]
    assert found.columns[FILE_COLUMN].values.to_pylist() == [b"some/file.csv"]


@pytest.mark.parametrize("kind", ["int", "float"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_nan_label_is_missing_and_an_infinite_one_is_unparsable(tmp_path, kind, suffix):
    file = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        file.write_text("y\n1\nnan\n NaN \n-inf\n2.0\n")
    else:
        pq.write_table(pa.table({"y": [1.0, float("nan"), float("nan"), float("-inf"), 2.0]}), file)
    [block] = open_table(str(file)).blocks(1 << 20)
    rows = type_rows(block, {"y": kind}, "y")
    assert [reject.reason for reject in rows.rejected] == ["missing_label", "missing_label", "unparsable"]
    column = rows.columns["y"]
    assert [column.values[index] for index in column.indices.to_pylist()] == [1, 2]
