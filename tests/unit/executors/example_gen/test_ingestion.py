import csv
import datetime
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.errors import InputError
from flightline.executors import progress
from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest
from flightline.executors.example_gen.parquet import ParquetTable

HALVES = {"train": 1, "eval": 1}
CELL = st.one_of(
    st.just(""),
    st.integers(-(2**64), 2**64).map(str),
    st.floats().map(repr),
    st.sampled_from([" 1", "1_0", "0x1", "nan", "-inf", "1e999", "007", '"', "a,b", "two\nlines", "cr\r\nlf", "é漢"]),
    st.text(max_size=4).map(lambda text: text.replace("\0", "")),  # Python 3.10 can't write a NUL
)


@st.composite
def csv_files(draw):
    """CSV text from Python's writer; each column draws its cells from one strategy, so that all types occur."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    column_strategy = st.sampled_from([CELL, st.integers(-9, 9).map(str), st.just(""), st.floats().map(repr)])
    column_strategies = [draw(column_strategy) for _ in range(width)]
    rows = [[draw(cells) for cells in column_strategies] for _ in range(height)]
    out = io.StringIO()
    csv.writer(out, quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))).writerows(rows)
    header = ",".join(f"c{i}" for i in range(width))
    return f"{header}\n{out.getvalue()}".encode("utf-8", errors="replace")


def ingest_bytes(directory: Path, content: bytes, options=None, hash_split=None, name="in.csv"):
    source, output = directory / name, directory / "out"
    source.write_bytes(content)
    counts = ingest(
        [InputSplit("all", [str(source)])], str(output), options or IngestOptions(), hash_split or HashSplit(HALVES)
    )
    return counts, output


@settings(deadline=None, max_examples=250)
@given(csv_files(), st.sampled_from([16, 64, 1 << 20]))
def test_examples_and_splits_equal_those_of_stock(stock, read_splits, tmp_path_factory, content, block_bytes):
    directory = tmp_path_factory.mktemp("file")
    (directory / "in.csv").write_bytes(content)
    expected = stock.splits(directory / "in.csv", HALVES)
    if not any(expected.values()):
        return
    counts, output = ingest_bytes(directory, content, IngestOptions(block_bytes=block_bytes))
    assert read_splits(output) == expected
    assert counts.splits == {name: len(rows) for name, rows in expected.items()}
    assert counts.read == counts.splits.total() + counts.rejected.total()


PIECES = ["a", "1", "2.5", "é", ",", ",", '"', '""', "\n", "\n", "\r\n", "\r", "\0", " ", 'x,"y\nz"\n', "1,2\n"]


@settings(deadline=None, max_examples=250)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from([16, 1 << 20]))
def test_accepted_rows_of_malformed_csv_equal_those_of_stock(stock, read_splits, tmp_path_factory, text, block_bytes):
    directory = tmp_path_factory.mktemp("file")
    content = b"p,q\n" + text.encode()
    (directory / "in.csv").write_bytes(content)
    try:
        expected = stock.splits(directory / "in.csv", HALVES)
        records = len(stock.records(directory / "in.csv"))
    except ValueError:  # unbalanced quotes
        records = 0
    try:
        counts, output = ingest_bytes(directory, content, IngestOptions(block_bytes=block_bytes))
    except InputError:
        assert records == 0 or all(stock.cells(record) == [] for record in stock.records(directory / "in.csv"))
        return
    assert read_splits(output) == expected
    assert counts.read <= records


FRUIT = "".join(f"{i},{i / 7},{'pear' if i % 3 else ''},{i % 2}\n" for i in range(200))
FRUIT_CSV = b"id,weight,name,late\n" + FRUIT.encode()


@pytest.mark.parametrize("feature", ["id", "name", None])
def test_splits_by_a_feature_equal_those_of_stock(stock, read_splits, tmp_path, feature):
    buckets = {"a": 3, "b": 1, "c": 2}
    _, output = ingest_bytes(tmp_path, FRUIT_CSV, hash_split=HashSplit(buckets, feature))
    assert read_splits(output) == stock.splits(tmp_path / "in.csv", buckets, feature)


@pytest.mark.parametrize("feature", ["weight", "nothing"])
def test_splitting_by_a_float_or_missing_feature_is_refused(tmp_path, feature):
    with pytest.raises(InputError, match=feature):
        ingest_bytes(tmp_path, FRUIT_CSV, hash_split=HashSplit(HALVES, feature))


def test_compressed_csv_and_parquet_give_the_same_bytes_as_csv(tmp_path):
    table = pa.table(
        {
            "id": pa.array(range(200), pa.int16()),
            "weight": pa.array([i / 7 for i in range(200)]),
            "name": pa.array(["pear" if i % 3 else None for i in range(200)]).dictionary_encode(),
            "late": pa.array([bool(i % 2) for i in range(200)]),
        }
    )
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(table, parquet, row_group_size=30)
    contents = {
        "in.csv": FRUIT_CSV,
        "in.csv.gz": gzip.compress(FRUIT_CSV),
        "in.csv.zst": pa.compress(FRUIT_CSV, "zstd", asbytes=True),
        "in.parquet": parquet.getvalue(),
    }
    outputs = []
    for name, content in contents.items():
        directory = tmp_path / name.replace(".", "_")
        directory.mkdir()
        counts, output = ingest_bytes(directory, content, IngestOptions(block_bytes=500), name=name)
        outputs.append({file.relative_to(output): file.read_bytes() for file in output.rglob("*.gz")})
        assert counts.read == 200
    assert all(output == outputs[0] for output in outputs)


def test_types_are_inferred_over_all_files_of_a_split(read_splits, tmp_path):
    files = []
    for i, cell in enumerate(["1", "2.5", ""]):
        files.append(str(tmp_path / f"{i}.csv"))
        Path(files[-1]).write_text(f"x\n{cell}\n{cell}\n" if cell else 'x\n""\n')
    ingest([InputSplit("train", files[:2]), InputSplit("eval", files[2:])], str(tmp_path / "out"), IngestOptions())
    splits = read_splits(tmp_path / "out")
    assert [len(splits["train"]), len(splits["eval"])] == [4, 1]
    assert b"\x00\x00\x80\x3f" in splits["train"][0]  # 1 as a float
    assert splits["eval"] == [b"\x0a\x07\x0a\x05\x0a\x01x\x12\x00"]  # no type at all


BROKEN = b'id,name,late\n1,"two\nlines",0\n2,b\n3,c,\n4x,d,1\n5,\xff,1\n6,f,1\n'


def test_every_row_is_accepted_or_rejected_with_its_line(tmp_path):
    options = IngestOptions(label="late", column_types={"id": "int", "late": "float"})
    counts, output = ingest_bytes(tmp_path, BROKEN, options)
    assert counts.read == 6
    assert counts.splits.total() == 2
    assert counts.properties() == {
        "rows_read": 6,
        "rows_split_train": counts.splits["train"],
        "rows_split_eval": counts.splits["eval"],
        "rows_rejected_unparsable": 3,
        "rows_rejected_missing_label": 1,
    }
    with (output / "rejected" / "rejected.csv").open(newline="") as file:
        rejected = list(csv.DictReader(file))
    assert {row.pop("file") for row in rejected} == {str(tmp_path / "in.csv")}
    assert [tuple(row.values()) for row in rejected] == [
        ("4", "unparsable", "", "2 fields, the header has 3", "2,b"),
        ("5", "missing_label", "late", "the label is empty", "3,c,"),
        ("6", "unparsable", "id", "'4x' is not an int", "4x,d,1"),
        ("7", "unparsable", "", "not UTF-8: byte 0xff at position 3 of the row", "5,\\xff,1"),
    ]


def test_declared_types_override_inferred_types(read_splits, tmp_path):
    types = {"id": "float", "weight": "bytes", "name": "bytes", "late": "int"}
    counts, output = ingest_bytes(tmp_path, b"id,weight,name,late\n1,2,,0\n", IngestOptions(column_types=types))
    ((record,),) = [rows for rows in read_splits(output).values() if rows]
    assert counts.rejected.total() == 0
    assert [part in record for part in (b"\x12\x06\x0a\x04\x00\x00\x80\x3f", b"\x0a\x03\x0a\x012", b"\x0a\x00")] == [
        True
    ] * 3


def test_no_rejected_rows_leave_no_rejected_file(tmp_path):
    _, output = ingest_bytes(tmp_path, FRUIT_CSV)
    assert sorted(path.name for path in output.iterdir()) == ["Split-eval", "Split-train"]


def test_progress_is_reported_after_every_block(tmp_path):
    seen = []
    with progress.listen(seen.append):
        ingest_bytes(tmp_path, FRUIT_CSV, IngestOptions(block_bytes=1000))
    progress.report(0)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == 200


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", b"", "is empty"),
        ("in.csv", b"\nx\n", "empty first line"),
        ("in.csv", b"1,2\n3,4\n", "no header"),
        ("in.csv", b"a,b,a\n1,2,3\n", "names 'a' twice"),
        ("in.csv", b"a,b\n", "a header and no rows"),
        ("in.csv", b"a,b\r1,2\r", "carriage return"),
        ("in.csv", b"\xff\xfea,b\n1,2\n", "not UTF-8"),
        ("in.csv", b'a,"b\n1,2\n', "header cannot be read"),
        ("in.csv", b'a,late\n1,"2\n', "a quote is not closed"),
        ("in.csv.gz", gzip.compress(FRUIT_CSV)[:-20], "cannot be read"),
        ("in.csv.gz", FRUIT_CSV, "cannot be read"),
        ("in.csv.zst", pa.compress(FRUIT_CSV, "zstd", asbytes=True)[:-20], "cannot be read"),
        ("in.parquet", b"PAR1 and so on", "cannot be read"),
        ("in.csv", b"a,b\n1,2\n", "label column 'late' is missing"),
    ],
)
def test_an_unreadable_file_is_an_error_and_leaves_no_output(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as failure:
        ingest_bytes(
            tmp_path, content, IngestOptions(label="late" if "late" in message else None, block_bytes=100), name=name
        )
    assert str(tmp_path / name) in failure.value.problem
    assert failure.value.fix
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read"):
        ingest([InputSplit("all", [str(tmp_path / "nowhere.csv")])], str(tmp_path / "out"), IngestOptions())


def test_lists_structs_and_maps_of_parquet_are_read_as_json(tmp_path):
    day = datetime.date(2013, 6, 1)
    table = pa.table(
        {
            "list": [[1, 2], None, []],
            "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
            "struct": [{"name": "é", "day": day, "of": [None]}] * 3,
            "x": [1, 2, 3],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    [block] = ParquetTable(str(tmp_path / "in.parquet")).blocks(1 << 20)
    found = {name: column.to_pylist() for name, column in block.columns.items()}
    assert found["list"] == ["[1, 2]", None, "[]"]
    assert found["map"] == ['[["a", 1]]', "[]", None]
    assert found["struct"] == ['{"day": "2013-06-01", "name": "é", "of": [null]}'] * 3
    counts = ingest([InputSplit("all", [str(tmp_path / "in.parquet")])], str(tmp_path / "out"), IngestOptions())
    assert counts.splits == {"all": 3}


def test_an_unsupported_parquet_type_is_refused(tmp_path):
    spans = pa.array([datetime.timedelta(hours=1)], pa.duration("s"))
    pyarrow.parquet.write_table(pa.table({"a": spans}), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="column 'a' is duration"):
        ingest([InputSplit("all", [str(tmp_path / "in.parquet")])], str(tmp_path / "out"), IngestOptions())


@pytest.mark.parametrize(
    ("header", "difference"), [("a,c", "missing: b; extra: c"), ("b,a", "another order"), ("a", "missing: b")]
)
def test_files_with_different_headers_are_refused(tmp_path, header, difference):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text(f"{header}\n1,2\n")
    files = [str(tmp_path / "1.csv"), str(tmp_path / "2.csv")]
    with pytest.raises(InputError, match=difference):
        ingest([InputSplit("all", files)], str(tmp_path / "out"), IngestOptions())


def test_header_may_have_a_byte_order_mark_and_quotes(read_splits, tmp_path):
    for i, header in enumerate((b"a,b", b'\xef\xbb\xbf"a","b"\r')):
        (tmp_path / str(i)).mkdir()
        ingest_bytes(tmp_path / str(i), header + b"\n1,2\n")
    assert read_splits(tmp_path / "0" / "out") == read_splits(tmp_path / "1" / "out")


@pytest.mark.parametrize("kinds", [{}, {"age": "int", "name": "bytes"}])
def test_missing_value_markers_count_as_empty_cells(read_splits, tmp_path, kinds):
    marked, empty = tmp_path / "marked", tmp_path / "empty"
    for folder, mark in ((marked, b"NA"), (empty, b"")):
        folder.mkdir()
        content = b'age,name\n1,a\n%s,%s\n2,NAB\n"%s",c\n' % (mark, mark, mark)
        counts, _ = ingest_bytes(folder, content, IngestOptions(column_types=kinds, missing_values=("NA",)))
        assert (counts.read, counts.rejected.total()) == (4, 0)
    assert read_splits(marked / "out") == read_splits(empty / "out")
