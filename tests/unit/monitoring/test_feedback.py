"""Labels that come back: every row of a file is kept or set aside with its reason."""

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


def kept(config, since=0, until=2**62):
    return sorted(zip(*read_labels(config, since, until).to_pydict().values(), strict=True))


def test_rows_are_labels_or_set_aside_with_a_reason(config, tmp_path):
    text = 'request_id,row,late\na,0,1\na,1,0\n,0,1\nb,x,1\nc,0,\nd,-1,0\ne,0,0.5\n"f,g",0, 1 \n'
    taken = ingest_feedback(config, csv_of(tmp_path, text))
    assert (taken.read, taken.kept) == (8, 3)
    assert taken.rejected == {
        "no request id": 1,
        "no row number": 2,
        "no label": 1,
        "no whole number as its label": 1,
    }
    assert kept(config) == [("a", 0, 1), ("a", 1, 0), ("f,g", 0, 1)]
    aside = taken.file.with_suffix(".rejected.csv").read_text().splitlines()
    assert aside[0] == "row_of_file,reason,request_id,row,late"
    assert aside[1] == "3,no request id,,0,1"
    assert len(aside) == 6


@pytest.mark.parametrize(
    ("settings", "labels", "kept_rows"),
    [
        ({}, [0, 1, 7, -1], 2),
        ({"task": "multiclass", "classes": (1, 2, 9)}, [0, 1, 2, 9], 3),
        ({"task": "regression"}, [0, 7, -1], 3),
    ],
)
def test_a_label_that_is_none_of_its_values_is_set_aside(config, tmp_path, settings, labels, kept_rows):
    text = "request_id,late\n" + "".join(f"{number},{label}\n" for number, label in enumerate(labels))
    taken = ingest_feedback(config.model_copy(update=settings), csv_of(tmp_path, text))
    assert taken.kept == kept_rows
    set_aside = len(labels) - kept_rows
    assert taken.rejected == ({"a label that is none of its values": set_aside} if set_aside else {})


def test_of_two_words_the_schema_says_which(config, tmp_path):
    (tmp_path / "s.pbtxt").write_text(
        'feature { name: "y" type: BYTES domain: "y" } string_domain { name: "y" value: "no" value: "yes" }'
    )
    words = {"label": "y", "positive_label": "yes", "schema_file": tmp_path / "s.pbtxt"}
    taken = ingest_feedback(
        config.model_copy(update=words), csv_of(tmp_path, "request_id,y\na,yes\nb,no\nc,Yes\nd,maybe\n")
    )
    assert (taken.kept, taken.rejected) == (2, {"a label that is none of its values": 2})


def test_without_a_row_it_is_the_first(config, tmp_path):
    ingest_feedback(config, csv_of(tmp_path, "late,request_id\n1,007\n"))
    assert kept(config) == [("007", 0, 1)]


def test_parquet_is_taken_as_it_is(config, tmp_path):
    file = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"request_id": ["a", "b"], "row": [0, 3], "late": [True, False]}), file)
    assert ingest_feedback(config, file).kept == 2
    assert kept(config) == [("a", 0, 1), ("b", 3, 0)]


def test_the_same_file_again_changes_nothing(config, tmp_path):
    file = csv_of(tmp_path, "request_id,late\na,1\n")
    ingest_feedback(config, file, now=10)
    again = ingest_feedback(config, file, now=20)
    assert again.already
    assert len(list(feedback_folder(config).glob("*.parquet"))) == 1


def test_the_last_word_counts(config, tmp_path):
    ingest_feedback(config, csv_of(tmp_path, "request_id,late\na,1\nb,0\nb,1\n", "one.csv"), now=10)
    ingest_feedback(config, csv_of(tmp_path, "request_id,late\na,0\n", "two.csv"), now=20)
    assert kept(config) == [("a", 0, 0), ("b", 0, 1)]
    assert kept(config, until=15_000_000) == [("a", 0, 1), ("b", 0, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("request,late\na,1\n", "no column request_id; did you mean"),
        ("request_id,delayed\na,1\n", "no column late"),
        ("", "cannot be read"),
        ("request_id,late\na,1,2\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_feedback_is_refused(config, tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        ingest_feedback(config, csv_of(tmp_path, text))
    assert not list(feedback_folder(config).glob("*.parquet"))


def test_a_file_that_is_not_there_is_refused(config, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        ingest_feedback(config, tmp_path / "none.csv")


CELLS = st.tuples(st.text("ab, \"'é", max_size=4), st.text("0123-.x ", max_size=4), st.text("01.5 n", max_size=3))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(CELLS, max_size=12))
def test_rows_read_are_rows_kept_and_rows_set_aside(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("feedback")
    config = load_config(Path("configs/flights.yaml"), [f"workspace={folder}"])
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    file = folder / "labels.parquet"
    pq.write_table(pa.table(arrays, names=["request_id", "row", "late"]), file)
    taken = ingest_feedback(config, file)
    assert taken.read == len(rows) == taken.kept + sum(taken.rejected.values())
