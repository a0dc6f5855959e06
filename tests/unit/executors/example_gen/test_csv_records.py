import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flightline.errors import InputError
from flightline.executors.example_gen import csv_records
from flightline.executors.example_gen.csv_records import read_records

SHAPES = st.lists(
    st.sampled_from(["a", "1", "é", ",", ",", '"', '""', "\n", "\n", "\r\n", "\r", "\0", " ", 'x,"y\nz"\n', "a,b\n"]),
    max_size=25,
).map("".join)


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def read(data: bytes, fields: int, size: int = 1 << 20):
    """(cells, line, text) of every good record, and the rejects."""
    good, rejected = [], []
    for block in read_records(chunked(data, size), fields, "f.csv"):
        rows = list(csv.reader(io.StringIO(block.data.decode(), newline="")))
        assert len(rows) == len(block.lines)
        good += [(row, int(block.lines[i]), block.text(i)) for i, row in enumerate(rows)]
        rejected += block.rejected
    return good, rejected


@settings(deadline=None, max_examples=500)
@given(SHAPES, st.integers(1, 40))
@example('a"b\nc"d\n', 100)
@example('x"y,"z\n', 100)
@example("a,b\r", 100)
def test_records_equal_those_of_stock(stock, tmp_path_factory, text, size):
    path = tmp_path_factory.getbasetemp() / "shapes.csv"
    path.write_bytes(b"p,q\n" + text.encode())
    try:
        expected = stock.rows(path)
    except ValueError:  # unbalanced quotes
        with pytest.raises(InputError, match="quote is not closed"):
            read(text.encode(), 2, size)
        return
    good, rejected = read(text.encode(), 2, size)
    assert [row for row, _, _ in good] == [[cell.decode() for cell in row] for row in expected]
    blank = sum(stock.cells(record) == [] for record in stock.records(path))
    assert len(good) + len(rejected) + blank == len(stock.records(path))


def test_line_numbers_count_line_breaks_in_quoted_fields():
    good, rejected = read(b'a,"1\n2"\n\nb,c\nd\ne,f\n', 2)
    assert [(line, text) for _, line, text in good] == [(1, 'a,"1\n2"'), (4, "b,c"), (6, "e,f")]
    assert [(r.line, r.text, r.detail) for r in rejected] == [(5, "d", "1 fields, the header has 2")]


def test_line_numbers_continue_across_blocks():
    good, _ = read(b'a,"1\n2"\nb,c\n' * 50, 2, size=7)
    assert [line for _, line, _ in good] == [n for i in range(50) for n in (1 + 3 * i, 3 + 3 * i)]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (b"a,\xff", "not UTF-8: byte 0xff at position 3 of the row"),
        (b'x"y,"z', "a quote is not closed"),
        (b"a\rb,c", "new-line character seen in unquoted field"),
        (b"a,b,c", "3 fields, the header has 2"),
        (b'"a,b"', "1 fields, the header has 2"),
    ],
)
def test_only_the_unparsable_row_is_rejected(row, detail):
    good, (reject,) = read(b"1,2\n" + row + b"\n3,4\n", 2)
    assert [cells for cells, _, _ in good] == [["1", "2"], ["3", "4"]]
    assert detail in reject.detail
    assert (reject.line, reject.reason) == (2, "unparsable")


def test_irregular_quotes_are_parsed_as_in_python():
    good, rejected = read(b'a"b"c,1\n"x"y,2\n', 2)
    assert [cells for cells, _, _ in good] == [['a"b"c', "1"], ["xy", "2"]]
    assert not rejected


def test_an_unclosed_quote_is_reported_with_its_opening_line():
    with pytest.raises(InputError, match=r"f\.csv, line 2: .* before the end of the file"):
        read(b'a,b\nc,"d\ne,f\n', 2)


def test_a_record_above_the_size_limit_is_an_error(monkeypatch):
    monkeypatch.setattr(csv_records, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(InputError, match=r"line 1: .* does not end within"):
        read(b'a,"' + b"x" * 5000, 2, size=100)
