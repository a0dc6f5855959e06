import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.executors.data_gate.anomaly_counts import count_anomalous_rows

SCHEMA = text_format.Parse(
    """
    feature { name: "carrier" type: BYTES domain: "carriers" }
    feature { name: "month" type: INT int_domain { min: 1 max: 12 } }
    feature { name: "temp" type: FLOAT float_domain { max: 140 } }
    feature { name: "free" type: FLOAT }
    string_domain { name: "carriers" value: "AA" value: "UA" }
    """,
    schema_pb2.Schema(),
)


def batches():
    """Two batches of three rows, as tfx_bsl decodes them: lists of values, null where a feature is absent."""
    columns = {
        "carrier": pa.array([[b"AA"], [b"ZZ"], None, [b"UA"], [b"ZZ"], [b"ZZ"]], pa.large_list(pa.large_binary())),
        "month": pa.array([[1], [13], [0], [12], [5], [6]], pa.large_list(pa.int64())),
        "temp": pa.array([[50.0], [141.0], None, [], [140.0], [float("nan")]], pa.large_list(pa.float32())),
        "free": pa.array([[1.0]] * 6, pa.large_list(pa.float32())),
    }
    all_rows = pa.RecordBatch.from_pydict(columns)
    return iter([all_rows.slice(0, 3), all_rows.slice(3, 3)])


@pytest.mark.parametrize(
    ("feature", "kind", "rows"),
    [
        ("carrier", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", 3),
        ("carrier", "FEATURE_TYPE_LOW_FRACTION_PRESENT", 1),
        ("month", "INT_TYPE_BIG_INT", 2),
        ("temp", "FLOAT_TYPE_BIG_FLOAT", 2),  # NaN is not within any limits
        ("temp", "FEATURE_TYPE_LOW_FRACTION_PRESENT", 2),  # absent or empty
        ("free", "FLOAT_TYPE_BIG_FLOAT", 6),  # the schema has no limits: every row with the feature
        ("gone", "SCHEMA_MISSING_COLUMN", 6),
        ("gone", "FLOAT_TYPE_BIG_FLOAT", 0),
        ("month", "UNEXPECTED_DATA_TYPE", 6),
        ("carrier", "SCHEMA_NEW_COLUMN", 5),
    ],
)
def test_rows_with_an_anomaly_are_counted(feature, kind, rows):
    assert count_anomalous_rows(batches(), feature, kind, SCHEMA) == rows


def test_a_column_of_nulls_counts_as_missing():
    empty = pa.RecordBatch.from_pydict({"month": pa.nulls(4)})
    assert count_anomalous_rows(iter([empty]), "month", "SCHEMA_MISSING_COLUMN", SCHEMA) == 4
