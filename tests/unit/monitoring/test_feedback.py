"""Ingesting labels: every row of a file is stored, or rejected with a reason."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.config.loader import load_config
from flightline.errors import InputError
from flightline.monitoring.feedback import feedback_folder, ingest_feedback, read_labels


def csv_of(tmp_path, text, name="labels.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def stored_labels(config, since=0, until=2**62):
    return sorted(zip(*read_labels(config, since, until).to_pydict().values(), strict=True))


def test_every_row_is_ingested_or_rejected_with_a_reason(config, tmp_path):
    text = 'request_id,row,late\na,0,1\na,1,0\n,0,1\nb,x,1\nc,0,\nd,-1,0\ne,0,0.5\n"f,g",0, 1 \n'
    result = ingest_feedback(config, csv_of(tmp_path, text))
    assert (result.rows_read, result.ingested) == (8, 3)
    assert result.rejected == {
        "missing_request_id": 1,
        "invalid_row": 2,
        "missing_label": 1,
        "unparsable_label": 1,
    }
    assert stored_labels(config) == [("a", 0, 1), ("a", 1, 0), ("f,g", 0, 1)]
    rejected = result.file.with_suffix(".rejected.csv").read_text().splitlines()
    assert rejected[0] == "file_row,reason,request_id,row,late"
    assert rejected[1] == "3,missing_request_id,,0,1"
    assert len(rejected) == 6


@pytest.mark.parametrize(
    ("settings", "labels", "valid_rows"),
    [
        ({}, [0, 1, 7, -1], 2),
        ({"task": "multiclass", "classes": (1, 2, 9)}, [0, 1, 2, 9], 3),
        ({"task": "regression"}, [0, 7, -1], 3),
    ],
)
def test_a_label_outside_its_domain_is_rejected(config, tmp_path, settings, labels, valid_rows):
    text = "request_id,late\n" + "".join(f"{number},{label}\n" for number, label in enumerate(labels))
    result = ingest_feedback(config.model_copy(update=settings), csv_of(tmp_path, text))
    assert result.ingested == valid_rows
    rejected_rows = len(labels) - valid_rows
    assert result.rejected == ({"unknown_label": rejected_rows} if rejected_rows else {})


def test_a_binary_text_label_must_be_one_of_the_values_in_the_schema(config, tmp_path):
    (tmp_path / "s.pbtxt").write_text(
        'feature { name: "y" type: BYTES domain: "y" } string_domain { name: "y" value: "no" value: "yes" }'
    )
    words = {"label": "y", "positive_label": "yes", "schema_file": tmp_path / "s.pbtxt"}
    result = ingest_feedback(
        config.model_copy(update=words), csv_of(tmp_path, "request_id,y\na,yes\nb,no\nc,Yes\nd,maybe\n")
    )
    assert (result.ingested, result.rejected) == (2, {"unknown_label": 2})


@pytest.mark.parametrize(
    ("text", "stored", "reason"),
    [
        ("1.0", 1, None),
        (" 1e0 ", 1, None),
        ("9007199254740992.0", 2**53, None),
        ("9007199254740993", 2**53 + 1, None),
        ("9007199254740993.0", None, "unparsable_label"),
        ("1234567890123456789", 1234567890123456789, None),
        ("0.5", None, "unparsable_label"),
        ("one", None, "unparsable_label"),
        ("inf", None, "unparsable_label"),
        ("NaN", None, "missing_label"),
        ("", None, "missing_label"),
    ],
)
def test_an_integer_label_is_read_as_example_gen_reads_it(config, tmp_path, text, stored, reason):
    config = config.model_copy(update={"task": "regression"})  # whose labels have no domain
    result = ingest_feedback(config, csv_of(tmp_path, f"request_id,late\na,{text}\n"))
    assert result.rejected == ({} if reason is None else {reason: 1})
    assert stored_labels(config) == ([] if reason else [("a", 0, stored)])


def test_an_infinite_label_is_rejected_and_nan_is_missing(config, tmp_path):
    (tmp_path / "amount.pbtxt").write_text('feature { name: "y" type: FLOAT }')
    amounts = {"label": "y", "task": "regression", "schema_file": tmp_path / "amount.pbtxt"}
    config = config.model_copy(update=amounts)
    labels = {"request_id": ["a", "b", "c", "d"], "y": [1.5, float("inf"), float("nan"), None]}
    pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
    for number, file in enumerate(
        [tmp_path / "labels.parquet", csv_of(tmp_path, "request_id,y\na,1.5\nb,-inf\nc,nan\nd,\n")]
    ):
        result = ingest_feedback(config, file, now=1000.0 + number)
        assert (result.ingested, result.rejected) == (1, {"infinite_label": 1, "missing_label": 2})


def test_without_a_row_column_the_label_is_for_the_first_row(config, tmp_path):
    ingest_feedback(config, csv_of(tmp_path, "late,request_id\n1,007\n"))
    assert stored_labels(config) == [("007", 0, 1)]


def test_a_parquet_file_is_ingested(config, tmp_path):
    file = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"request_id": ["a", "b"], "row": [0, 3], "late": [True, False]}), file)
    assert ingest_feedback(config, file).ingested == 2
    assert stored_labels(config) == [("a", 0, 1), ("b", 3, 0)]


def test_ingesting_the_same_file_again_changes_nothing(config, tmp_path):
    file = csv_of(tmp_path, "request_id,late\na,1\n")
    ingest_feedback(config, file, now=10)
    again = ingest_feedback(config, file, now=20)
    assert again.duplicate
    assert len(list(feedback_folder(config).glob("*.parquet"))) == 1


def test_the_last_label_for_a_row_counts(config, tmp_path):
    ingest_feedback(config, csv_of(tmp_path, "request_id,late\na,1\nb,0\nb,1\n", "one.csv"), now=10)
    ingest_feedback(config, csv_of(tmp_path, "request_id,late\na,0\n", "two.csv"), now=20)
    assert stored_labels(config) == [("a", 0, 0), ("b", 0, 1)]
    assert stored_labels(config, until=15_000_000) == [("a", 0, 1), ("b", 0, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("request,late\na,1\n", "no column request_id; did you mean"),
        ("request_id,delayed\na,1\n", "no column late"),
        ("", "cannot be read"),
        ("request_id,late\na,1,2\n", "cannot be read"),
    ],
)
def test_a_file_without_the_required_columns_is_rejected(config, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        ingest_feedback(config, csv_of(tmp_path, text))
    assert not list(feedback_folder(config).glob("*.parquet"))


def test_a_missing_file_is_an_error(config, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        ingest_feedback(config, tmp_path / "none.csv")


CELLS = st.tuples(st.text("ab, \"'é", max_size=4), st.text("0123-.x ", max_size=4), st.text("01.5 n", max_size=3))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(CELLS, max_size=12))
def test_rows_read_equal_rows_ingested_plus_rejected(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("feedback")
    config = load_config(Path("configs/flights.yaml"), [f"workspace={folder}"])
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    file = folder / "labels.parquet"
    pq.write_table(pa.table(arrays, names=["request_id", "row", "late"]), file)
    result = ingest_feedback(config, file)
    assert result.rows_read == len(rows) == result.ingested + sum(result.rejected.values())
