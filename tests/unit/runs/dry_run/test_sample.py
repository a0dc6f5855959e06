import numpy as np
import pandas as pd
import pytest

from flightline.errors import InputError
from flightline.runs.dry_run.sample import write_file_head, write_schema_rows

SCHEMA = """
feature { name: "month" type: INT int_domain { min: 3 max: 12 } }
feature { name: "seats" type: INT }
feature { name: "deficit" type: INT int_domain { max: -5 } }
feature { name: "share" type: FLOAT float_domain { min: 0.25 max: 0.5 } }
feature { name: "origin" type: BYTES domain: "airports" }
feature { name: "size" type: BYTES string_domain { value: "small" value: "large" } }
feature { name: "note" type: BYTES }
feature { name: "late" type: INT int_domain { min: 0 max: 9 } }
string_domain { name: "airports" value: "EWR" value: "JFK" }
"""
ROWS = pd.DataFrame({"a": [f"{n:03}" for n in range(50)], "b": ["x, y", ""] * 25})


@pytest.fixture
def made(tmp_path):
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    return pd.read_csv(write_schema_rows(tmp_path / "schema.pbtxt", "late", tmp_path, rows=400))


def test_random_rows_are_within_the_schema_domains(made):
    assert len(made) == 400
    assert made["month"].between(3, 12).all()
    assert made["month"].nunique() == 10
    assert made["deficit"].max() <= -5
    assert made["share"].between(0.25, 0.5).all()
    assert set(made["origin"]) == {"EWR", "JFK"}
    assert set(made["size"]) == {"small", "large"}


def test_random_rows_have_values_for_columns_without_a_domain_and_both_labels(made):
    assert made["seats"].dtype == np.int64
    assert made["note"].nunique() > 5
    assert set(made["late"]) == {0, 1}


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_the_head_of_a_csv_file_is_its_text(tmp_path, name):
    ROWS.to_csv(tmp_path / name, index=False)
    head = pd.read_csv(write_file_head(tmp_path / name, tmp_path, rows=10), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(head, ROWS.head(10))


def test_the_head_of_a_parquet_file_keeps_its_types(tmp_path):
    typed = ROWS.assign(c=np.arange(50))
    typed.to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(write_file_head(tmp_path / "rows.parquet", tmp_path, 10)), typed.head(10)
    )


@pytest.mark.parametrize(("name", "content"), [("none.csv", None), ("empty.csv", b""), ("bad.parquet", b"PAR?")])
def test_the_error_about_an_unreadable_sample_names_the_file(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"--sample .*{name} cannot be read"):
        write_file_head(tmp_path / name, tmp_path)
