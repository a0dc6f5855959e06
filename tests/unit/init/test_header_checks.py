import pytest

from flightline.errors import InputError
from flightline.init.header_checks import check_header, check_separator


def test_a_column_name_may_contain_another_separator():
    check_header("t.csv", ["a;b", "c"])
    check_separator("t.csv", ["a;b", "c"], "y")


def test_a_wrong_separator_is_reported_with_advice():
    with pytest.raises(InputError, match="seems to be ';'") as error:
        check_separator("t.csv", ["size", " cm;x;y"], "y")
    assert "sep=';'" in error.value.fix


def test_an_unnamed_first_column_gets_advice_on_row_numbers():
    with pytest.raises(InputError, match="column 1") as error:
        check_header("t.csv", ["", "x"])
    assert "index=False" in error.value.fix
    with pytest.raises(InputError, match="column 2") as error:
        check_header("t.csv", ["x", ""])
    assert "index=False" not in error.value.fix
