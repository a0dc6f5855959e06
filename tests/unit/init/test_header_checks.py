import pytest

from flightline.errors import InputError
from flightline.init.header_checks import check_header, check_separator


def test_a_name_that_holds_a_separator_is_a_name():
    check_header("t.csv", ["a;b", "c"])
    check_separator("t.csv", ["a;b", "c"], "y")


def test_another_separator_is_said_with_what_to_do():
    with pytest.raises(InputError, match="seems to be ';'") as refused:
        check_separator("t.csv", ["size", " cm;x;y"], "y")
    assert "sep=';'" in refused.value.fix


def test_the_row_numbers_of_pandas_and_r_are_told_from_other_columns_without_a_name():
    with pytest.raises(InputError, match="column 1") as refused:
        check_header("t.csv", ["", "x"])
    assert "index=False" in refused.value.fix
    with pytest.raises(InputError, match="column 2") as refused:
        check_header("t.csv", ["x", ""])
    assert "index=False" not in refused.value.fix
