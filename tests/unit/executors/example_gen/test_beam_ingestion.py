"""Ingestion on Beam equals ingestion in this process, except for the order of the rows."""

import csv

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet
import pytest

from flightline.engines.arguments import LOCAL_ARGUMENTS
from flightline.errors import InputError
from flightline.executors.example_gen import beam_ingestion
from flightline.executors.example_gen.beam_ingestion import ingest_on_beam
from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest
from flightline.executors.example_gen.source import open_local

HASH_SPLIT = HashSplit({"train": 2, "eval": 1})


def make_pipeline():
    return beam.Pipeline(argv=list(LOCAL_ARGUMENTS))


@pytest.fixture
def ingest_twice(tmp_path, read_splits):
    """`ingest_twice(inputs, options, hash_split)` → (counts, splits, rejected rows) in this process and on Beam."""

    def result(output, counts):
        file = tmp_path / output / "rejected" / "rejected.csv"
        rejected = sorted(csv.reader(file.open(newline=""))) if file.exists() else []
        return counts.properties(), {n: sorted(r) for n, r in read_splits(tmp_path / output).items()}, rejected

    def run(inputs, options=IngestOptions(), hash_split=HASH_SPLIT):  # noqa: B008 - frozen
        in_process = ingest(inputs, str(tmp_path / "in_process"), options, hash_split)
        on_beam = ingest_on_beam(
            make_pipeline, inputs, str(tmp_path / "on_beam"), str(tmp_path / "temp"), options, hash_split, open_local
        )
        return result("in_process", in_process), result("on_beam", on_beam)

    return run


def write_csv(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_csv_files_in_many_pieces_give_the_same_rows_and_rejections(tmp_path, ingest_twice, monkeypatch):
    monkeypatch.setattr(beam_ingestion, "MAX_PIECE_BYTES", 100)
    texts = ["plain", "two\nlines", 'a "quote"', "é漢", ""]
    files = [
        write_csv(
            tmp_path / f"{name}.csv",
            [("n", "x", "text", "late")]
            + [(i if i % 11 else "seven", i / 4, texts[i % 5], "" if i % 13 == 0 else i % 2) for i in range(60)],
        )
        for name in ("a", "b")
    ]
    (tmp_path / "b.csv").open("a").write("1,2\n")
    options = IngestOptions(label="late", column_types={"n": "int"})
    in_process, on_beam = ingest_twice([InputSplit("all", files)], options)
    assert on_beam == in_process
    counts, _, rejected = in_process
    assert counts["rows_read"] == 121
    assert counts["rows_rejected_unparsable"] + counts["rows_rejected_missing_label"] == len(rejected) - 1 > 10


def test_types_are_inferred_over_all_files(tmp_path, ingest_twice):
    files = [
        write_csv(tmp_path / f"{i}.csv", [("a", "b"), (1, ""), (value, "")]) for i, value in enumerate(["2", "2.5"])
    ]
    in_process, on_beam = ingest_twice([InputSplit("all", files)])
    assert on_beam == in_process


def test_parquet_row_groups_give_the_same_rows_and_rejections(tmp_path, ingest_twice):
    table = pa.table({"n": pa.array([1, 2, None, 4, 5]), "text": ["a", "", "c", None, "e"]})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    in_process, on_beam = ingest_twice([InputSplit("all", [str(tmp_path / "x.parquet")])], IngestOptions(label="n"))
    assert on_beam == in_process
    assert [row[1] for row in in_process[2][:-1]] == ["3"]  # the third row, of the second group


def test_each_split_can_have_its_own_files(tmp_path, ingest_twice):
    inputs = [
        InputSplit(name, [write_csv(tmp_path / f"{name}.csv", [("a",), *[(i,) for i in range(9)]])])
        for name in ("train", "eval")
    ]
    in_process, on_beam = ingest_twice(inputs, hash_split=None)
    assert on_beam == in_process
    assert on_beam[2] == []


def test_a_failed_ingestion_leaves_no_files(tmp_path):
    empty = InputSplit("all", [write_csv(tmp_path / "empty.csv", [("a", "b")])])
    output = tmp_path / "out"
    with pytest.raises(InputError, match="a header and no rows"):
        ingest_on_beam(
            make_pipeline, [empty], str(output), str(tmp_path / "temp"), IngestOptions(), HASH_SPLIT, open_local
        )
    assert not list(output.glob("**/*.gz"))
