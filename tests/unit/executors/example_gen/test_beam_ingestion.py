"""What Beam's workers make of files is what this process makes of them, but for the order of the rows."""

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

SHARE = HashSplit({"train": 2, "eval": 1})


def make_pipeline():
    return beam.Pipeline(argv=list(LOCAL_ARGUMENTS))


@pytest.fixture
def both(tmp_path, read_splits):
    """`both(inputs, options, share)` → (counts, splits, rejected rows) of this process, and of Beam."""

    def result(output, counts):
        file = tmp_path / output / "rejected" / "rejected.csv"
        rejected = sorted(csv.reader(file.open(newline=""))) if file.exists() else []
        return counts.properties(), {n: sorted(r) for n, r in read_splits(tmp_path / output).items()}, rejected

    def run(inputs, options=IngestOptions(), share=SHARE):  # noqa: B008 - frozen
        here = ingest(inputs, str(tmp_path / "here"), options, share)
        there = ingest_on_beam(
            make_pipeline, inputs, str(tmp_path / "there"), str(tmp_path / "temp"), options, share, open_local
        )
        return result("here", here), result("there", there)

    return run


def write_csv(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_csv_in_many_pieces_with_gaps_quotes_and_bad_rows(tmp_path, both, monkeypatch):
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
    here, there = both([InputSplit("all", files)], options)
    assert there == here
    counts, _, rejected = here
    assert counts["rows_read"] == 121
    assert counts["rows_rejected_unparsable"] + counts["rows_rejected_missing_label"] == len(rejected) - 1 > 10


def test_types_are_those_of_all_values_of_all_files(tmp_path, both):
    files = [
        write_csv(tmp_path / f"{i}.csv", [("a", "b"), (1, ""), (value, "")]) for i, value in enumerate(["2", "2.5"])
    ]
    here, there = both([InputSplit("all", files)])
    assert there == here


def test_parquet_a_row_group_at_a_time(tmp_path, both):
    table = pa.table({"n": pa.array([1, 2, None, 4, 5]), "text": ["a", "", "c", None, "e"]})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    here, there = both([InputSplit("all", [str(tmp_path / "x.parquet")])], IngestOptions(label="n"))
    assert there == here
    assert [row[1] for row in here[2][:-1]] == ["3"]  # the third row, of the second group


def test_a_pattern_for_each_split(tmp_path, both):
    inputs = [
        InputSplit(name, [write_csv(tmp_path / f"{name}.csv", [("a",), *[(i,) for i in range(9)]])])
        for name in ("train", "eval")
    ]
    here, there = both(inputs, share=None)
    assert there == here
    assert there[2] == []


def test_nothing_is_left_of_a_failure(tmp_path):
    empty = InputSplit("all", [write_csv(tmp_path / "empty.csv", [("a", "b")])])
    output = tmp_path / "out"
    with pytest.raises(InputError, match="a header and no rows"):
        ingest_on_beam(make_pipeline, [empty], str(output), str(tmp_path / "temp"), IngestOptions(), SHARE, open_local)
    assert not list(output.glob("**/*.gz"))
