import csv
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.errors import InputError
from flightline.executors.example_gen.tables import open_table
from flightline.init.table_reader import read_table

CELLS = st.one_of(
    st.just(""),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(width=32, allow_infinity=False).map(str),
    st.sampled_from(["1", "1.0", "nan", "x", 'say "no"', "two\nlines", "größe", "1_0", " 7"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(CELLS, min_size=1, max_size=30))
def test_types_and_values_equal_those_of_example_gen(cells):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["a", "other"], *([cell, "x"] for cell in cells)])
        column = read_table([str(path)]).columns["a"]
        kind = open_table(str(path)).kinds(1 << 20, ["a"])["a"]
    read = {"int": int, "float": float, "bytes": str, None: str}[kind]
    expected = [None if cell == "" or read(cell) != read(cell) else read(cell) for cell in cells]
    assert column.kind == (kind if any(value is not None for value in expected) else None)
    got = [None if code < 0 else column.values[code] for code in column.codes]
    if kind == "float":
        expected = [None if value is None else float(np.float32(value)) for value in expected]
    assert got == expected
    assert column.counts.sum() == column.present
    assert sorted(set(column.values.tolist())) == column.values.tolist()


def test_only_the_first_rows_of_a_large_table_are_read(table, monkeypatch):
    monkeypatch.setattr("flightline.init.table_reader.MIN_ROWS_READ", 5)
    monkeypatch.setattr("flightline.init.table_reader.BLOCK_BYTES", 64)
    path = table({"a": range(100), "y": [0, 1] * 50})
    read = read_table([str(path)], max_cells=20)
    assert not read.complete
    assert 10 <= read.rows < 100
    assert read.columns["a"].values.tolist() == list(range(read.rows))


def test_unreadable_lines_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n4,5\n")
    read = read_table([str(path)])
    assert (read.rows, read.unreadable.count, read.unreadable.lines) == (2, 1, 3)
    assert read.unreadable.example == f"{path}, line 3: 3 fields, the header has 2"


def test_parquet_dates_times_and_decimals_are_read(tmp_path):
    table = pa.table(
        {
            "day": pa.array([0, 1], pa.date32()),
            "at": pa.array([0, 1], pa.timestamp("us", tz="UTC")),
            "price": pa.array([Decimal("1.50"), Decimal("2.25")]),
            "ok": pa.array([True, None]),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    columns = read_table([str(tmp_path / "t.parquet")]).columns
    assert {name: column.kind for name, column in columns.items()} == {
        "day": "bytes",
        "at": "bytes",
        "price": "float",
        "ok": "int",
    }
    assert columns["day"].values.tolist() == ["1970-01-01", "1970-01-02"]
    assert columns["price"].values.tolist() == [1.5, 2.25]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "no row"),
        (",b\n1,2\n", "column 1 has no name"),
        ("a,a\n1,2\n", "twice"),
        ("1,2\n3,4\n", "no header"),
        ("a;b\n1;2\n", "seems to be ';'"),
        ("a\tb\n1\t2\n", "seems to be a tab"),
    ],
)
def test_an_invalid_table_is_rejected(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_table([str(tmp_path / "t.csv")])


def test_markers_among_numbers_are_missing_values_in_every_column(table):
    read = read_table([str(table({"age": [1, "?", 3], "town": ["Rome", "?", "NA"], "code": ["-", "a", "b"]}))])
    assert read.missing == ("?",)
    assert (read.columns["age"].kind, read.columns["age"].missing) == ("int", 1)
    assert list(read.columns["town"].values) == ["NA", "Rome"]
    assert list(read.columns["code"].values) == ["-", "a", "b"]  # the column is text with or without the marker


def test_spaces_among_numbers_are_missing_values(table):
    read = read_table([str(table({"age": [1, " ", 3, " NA"], "town": ["Rome", " ", "Bonn", "Oslo"]}))])
    assert read.missing == (" ", " NA")
    assert (read.columns["age"].kind, read.columns["age"].missing) == ("int", 2)
    assert read_table([str(table({"town": ["Rome", " ", "Bonn"], "y": [0, 1, 1]}))]).missing == ()


def test_further_missing_values_can_be_given(table):
    path = str(table({"age": [1, "?", "unknown"], "y": [0, 1, 1]}))
    assert read_table([path]).missing == ()
    read = read_table([path], missing_values=["unknown"])
    assert (read.missing, read.columns["age"].missing) == (("?", "unknown"), 2)


def test_leading_zeros_of_whole_numbers_are_detected(table):
    columns = read_table([str(table({"zip": ["01", "12"], "n": [0, 12], "code": ["01", "a"]}))]).columns
    assert [column.has_leading_zeros for column in columns.values()] == [True, False, False]


def test_a_column_with_only_markers_defines_no_missing_values(table):
    assert read_table([str(table({"a": ["NA", "NA"], "y": [0, 1]}))]).missing == ()
