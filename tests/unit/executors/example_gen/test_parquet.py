"""Moments that Python's datetime cannot hold are read as text, like all others."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightline.executors.example_gen.parquet import ParquetTable

LAST_SECOND = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.timezone.utc)
FIRST_SECOND = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)
YEAR_10000_US = 253_402_300_800_000_000


def utc(moments, zone):
    return pa.array(moments, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone))


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (utc([LAST_SECOND, None], "Europe/Berlin"), ["9999-12-31 23:59:59+00:00", None]),
        (utc([FIRST_SECOND], "America/Lima"), ["0001-01-01 00:00:00+00:00"]),
        (
            utc([dt.datetime(2024, 7, 1, tzinfo=dt.timezone.utc), LAST_SECOND], "Europe/Berlin"),
            ["2024-07-01 02:00:00+02:00", "9999-12-31 23:59:59+00:00"],
        ),
        (
            pa.array([YEAR_10000_US, YEAR_10000_US + 500_000]).cast(pa.timestamp("us")),
            ["10000-01-01 00:00:00", "10000-01-01 00:00:00.500000"],
        ),
        (pa.array([np.iinfo(np.int64).min]).cast(pa.timestamp("us")), ["-infinity"]),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), ["5881580-07-11"]),
        (pa.array([dt.date(9999, 12, 31), dt.date(1, 1, 1)]), ["9999-12-31", "0001-01-01"]),
    ],
)
def test_moments_at_the_ends_of_the_calendar_are_text(tmp_path, column, texts):
    pq.write_table(pa.table({"valid_to": column}), tmp_path / "t.parquet")
    [block] = ParquetTable(str(tmp_path / "t.parquet")).blocks(1 << 20)
    assert block.columns["valid_to"].to_pylist() == texts
    assert [block.text(row) for row in range(len(texts))] == [text or '""' for text in texts]


def test_moments_inside_lists_and_structs_are_text(tmp_path):
    moments = pa.array([YEAR_10000_US]).cast(pa.timestamp("us"))
    nested = pa.StructArray.from_arrays([pa.ListArray.from_arrays([0, 1], moments), pa.array([7])], ["at", "n"])
    pq.write_table(pa.table({"nested": nested}), tmp_path / "t.parquet")
    [block] = ParquetTable(str(tmp_path / "t.parquet")).blocks(1 << 20)
    assert block.columns["nested"].to_pylist() == ['{"at": ["10000-01-01 00:00:00"], "n": 7}']
