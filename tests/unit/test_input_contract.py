"""What a release says of its inputs, read from the schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.input_contract import input_contract
from pipeline.schema import read_schema

SCHEMA = Path("schema/flights.pbtxt")


@pytest.fixture(scope="module")
def contract():
    schema = read_schema(SCHEMA)
    reads = frozenset(feature.name for feature in schema.feature) - {"flight", "tailnum", "late"}
    return {one["name"]: one for one in input_contract(schema, "late", reads)}


def test_it_has_every_feature_but_the_label(contract):
    assert set(contract) == {feature.name for feature in read_schema(SCHEMA).feature} - {"late"}
    assert list(contract) == sorted(contract)


def test_numbers_have_their_bounds_and_texts_their_values(contract):
    assert contract["month"] == {"name": "month", "type": "int", "required": True, "min": 1, "max": 12}
    assert contract["origin"]["values"] == ["EWR", "JFK", "LGA"]
    assert contract["humid"] == {"name": "humid", "type": "float", "required": False, "min": 0.0, "max": 100.0}


def test_a_domain_that_training_lets_values_through_is_open(contract):
    assert "values" not in contract["dest"]  # min_domain_mass below 1


def test_what_the_model_does_not_read_is_not_asked_for(contract):
    assert not contract["flight"]["required"]


def test_the_server_takes_it(contract):
    from serving.contract import Contract

    assert set(Contract.from_inputs(list(contract.values())).features) == set(contract)
