from hypothesis import given
from hypothesis import strategies as st

from flightline.metadata.row_accounting import RowAccounting, parse_row_accounting

PROPERTIES = {
    "rows_read": 10,
    "rows_split_train": 5,
    "rows_split_eval": 2,
    "rows_rejected_missing_label": 2,
    "rows_rejected_unparsable": 1,
    "span": 3,
}


def test_accounting_is_parsed_from_the_properties_of_an_artifact():
    rows = parse_row_accounting(PROPERTIES)
    assert rows == RowAccounting(10, {"eval": 2, "train": 5}, {"missing_label": 2, "unparsable": 1})
    assert rows.used == 7
    assert rows.balanced


def test_artifact_without_counts_has_no_accounting():
    assert parse_row_accounting({"span": 3}) is None


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    st.dictionaries(st.sampled_from("xy"), st.integers(0, 9)),
)
def test_accounting_is_balanced_only_if_no_row_is_lost(splits, rejected):
    total = sum(splits.values()) + sum(rejected.values())
    assert RowAccounting(total, splits, rejected).balanced
    assert not RowAccounting(total + 1, splits, rejected).balanced
