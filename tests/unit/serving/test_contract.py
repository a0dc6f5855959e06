"""The input contract: valid and invalid requests."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.serving.contract import MAX_PROBLEMS, Contract, ContractViolation
from flightline.serving.features import Feature


def find_problem(contract, row):
    with pytest.raises(ContractViolation) as refused:
        contract.read_rows([row])
    return refused.value.problems[0]


@pytest.mark.parametrize(
    ("change", "feature", "reason"),
    [
        ({"month": None}, "month", "missing"),
        ({"origin": ""}, "origin", "missing"),
        ({"month": math.nan}, "month", "missing"),
        ({"month": "7"}, "month", "wrong_type"),
        ({"month": 7.5}, "month", "wrong_type"),
        ({"month": True}, "month", "wrong_type"),
        ({"month": [7]}, "month", "wrong_type"),
        ({"origin": 7}, "origin", "wrong_type"),
        ({"temp": {"celsius": 4}}, "temp", "wrong_type"),
        ({"month": 13}, "month", "out_of_domain"),
        ({"month": 0}, "month", "out_of_domain"),
        ({"temp": -60.5}, "temp", "out_of_domain"),
        ({"origin": "BOS"}, "origin", "out_of_domain"),
        ({"dep_delay": 2**63}, "dep_delay", "unparsable"),
        ({"dep_delay": math.inf}, "dep_delay", "unparsable"),
        ({"temp": -math.inf}, "temp", "unparsable"),
        ({"tailnum": b"\xff"}, "tailnum", "unparsable"),
        ({"tailnum": "\ud800"}, "tailnum", "unparsable"),
        ({"dep_dealy": 4}, "dep_dealy", "unknown_feature"),
    ],
)
def test_the_error_names_the_feature_that_violates_the_contract(contract, row, change, feature, reason):
    problem = find_problem(contract, row | change)
    assert (problem.row, problem.feature, problem.reason) == (0, feature, reason)
    assert feature in str(problem)


def test_the_error_names_a_missing_required_feature(contract, row):
    del row["dep_delay"]
    problem = find_problem(contract, row)
    assert (problem.feature, problem.reason) == ("dep_delay", "missing")


def test_a_misspelt_feature_or_value_gets_a_suggestion(contract, row):
    assert "dep_delay" in find_problem(contract, row | {"dep_dealy": 4}).message
    assert "EWR" in find_problem(contract, row | {"origin": "EWT"}).message


def test_an_unknown_feature_does_not_hide_other_problems(contract, row):
    with pytest.raises(ContractViolation) as refused:
        contract.read_rows([row | {"nope": 1, "month": 13}, row | {"origin": 7}])
    found = [(problem.row, problem.feature, problem.reason) for problem in refused.value.problems]
    assert found == [(0, "nope", "unknown_feature"), (0, "month", "out_of_domain"), (1, "origin", "wrong_type")]
    with pytest.raises(ContractViolation) as refused:
        contract.read_columns({name: [value] for name, value in (row | {"nope": 1, "month": 13}).items()})
    assert [problem.feature for problem in refused.value.problems] == ["nope", "month"]


@pytest.mark.parametrize("rows", [[], {}, None, "rows", [1], [[]]])
def test_rows_must_be_a_list_of_objects(contract, rows):
    with pytest.raises(ContractViolation):
        contract.read_rows(rows)


def test_optional_values_may_be_missing_in_any_form(contract, row):
    del row["temp"], row["tailnum"]
    ways = [row, row | {"temp": None, "tailnum": ""}, row | {"temp": math.nan, "tailnum": None}]
    assert len(set(contract.read_rows(ways).examples)) == 1


def test_whole_numbers_may_be_floats(contract, row):
    both = contract.read_rows([row, row | {"month": 7.0, "dep_delay": 90.0}])
    assert both.examples[0] == both.examples[1]
    assert both.columns["month"] == [7, 7]


def test_a_float_above_2_to_the_53_is_no_whole_number(contract, row):
    problem = find_problem(contract, row | {"month": 2.0**53 + 2})
    assert "send it without a decimal point" in problem.message


def test_rows_and_columns_give_the_same_examples(contract, row):
    rows = [row, row | {"month": 8, "temp": None}]
    columns = {name: [one[name] for one in rows] for name in row}
    assert contract.read_columns(columns) == contract.read_rows(rows)


def test_columns_of_different_lengths_are_rejected(contract, row):
    columns = {name: [value] for name, value in row.items()} | {"temp": [1.0, 2.0]}
    with pytest.raises(ContractViolation, match="temp: has 2 values"):
        contract.read_columns(columns)


def test_every_invalid_row_is_reported_up_to_a_limit(contract, row):
    with pytest.raises(ContractViolation) as refused:
        contract.read_rows([row, row | {"month": 13}, row | {"origin": "BOS", "temp": "warm"}])
    assert [(one.row, one.feature) for one in refused.value.problems] == [(1, "month"), (2, "origin"), (2, "temp")]
    with pytest.raises(ContractViolation) as refused:
        contract.read_rows([row | {"month": 13}] * 1000)
    assert len(refused.value.problems) == MAX_PROBLEMS


def test_an_equal_value_of_another_type_is_still_rejected(contract, row):
    contract.read_rows([row | {"month": 1}])
    assert find_problem(contract, row | {"month": True}).reason == "wrong_type"  # 1 == True


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "J", "7", "x" * 99, b"\xff"])
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("a"), SCALARS, max_size=1)
FEATURES = [
    Feature("month", "int", True, 1, 12),
    Feature("origin", "bytes", values=frozenset("JL")),
    Feature("t", "float"),
]


@given(st.dictionaries(st.sampled_from(["month", "origin", "t", "other"]), JSON))
def test_any_json_row_is_accepted_or_rejected(row):
    with contextlib.suppress(ContractViolation):  # and nothing else
        assert len(Contract(FEATURES).read_rows([row]).examples) == 1


def test_sample_rows_satisfy_the_contract(contract):
    bare, full = contract.probe()
    assert set(bare) == {"month", "dep_delay", "origin"}
    assert set(full) == set(contract.features)
    assert len(contract.read_rows([bare, full]).examples) == 2


@pytest.mark.parametrize("inputs", [None, [], [{}], [{"name": "a"}], [{"name": "a", "type": "date"}], "inputs", [1]])
def test_invalid_contracts_are_rejected(inputs):
    with pytest.raises(ValueError, match=r"contract|type|inputs|features"):
        Contract.from_inputs(inputs)


def test_sample_rows_of_half_open_domains_are_valid():
    features = [Feature("up", "int", True, low=10), Feature("down", "float", True, high=-10.0)]
    contract = Contract(features)
    contract.read_rows(list(contract.probe()))
