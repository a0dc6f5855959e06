"""The input contract of a release, from the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.schema_file import read_schema
from flightline.releases.signature import build_input_contract, find_negative_label

SCHEMA = Path("schema/flights.pbtxt")


@pytest.fixture(scope="module")
def contract():
    schema = read_schema(SCHEMA)
    reads = frozenset(feature.name for feature in schema.feature) - {"flight", "tailnum", "late"}
    return {feature.name: feature.to_json() for feature in build_input_contract(schema, "late", reads)}


def test_the_contract_has_every_feature_but_the_label(contract):
    assert set(contract) == {feature.name for feature in read_schema(SCHEMA).feature} - {"late"}
    assert list(contract) == sorted(contract)


def test_numbers_have_bounds_and_texts_have_values(contract):
    assert contract["month"] == {"name": "month", "type": "int", "required": True, "min": 1, "max": 12}
    assert contract["origin"]["values"] == ["EWR", "JFK", "LGA"]
    assert contract["humid"] == {"name": "humid", "type": "float", "required": False, "min": 0.0, "max": 100.0}


def test_a_domain_that_tolerates_other_values_is_open(contract):
    assert "values" not in contract["dest"]  # min_domain_mass below 1


def test_a_feature_that_the_model_does_not_read_is_optional(contract):
    assert not contract["flight"]["required"]


def test_the_server_can_read_the_contract(contract):
    from flightline.serving.contract import Contract

    assert set(Contract.from_inputs(list(contract.values())).features) == set(contract)


@pytest.mark.parametrize(
    ("label", "positive", "negative"),
    [
        ('type: BYTES string_domain { value: "yes" value: "no" }', "yes", "no"),
        ('type: BYTES domain: "y"', "b", "a"),
        ("type: INT int_domain { min: 1 max: 2 }", 1, 2),
        ("type: INT int_domain { min: 0 max: 1 }", None, None),  # 0 and 1 need no names
        ("type: INT int_domain { min: 1 max: 3 }", 1, None),
        ("type: INT int_domain { min: 1 }", 1, None),
        ("type: FLOAT float_domain { min: 1 max: 2 }", 1, None),  # and all between
        ('type: BYTES string_domain { value: "yes" value: "no" value: "maybe" }', "yes", None),
        ('type: BYTES string_domain { value: "ja" value: "no" }', "yes", None),
        ('type: BYTES domain: "y" distribution_constraints { min_domain_mass: 0.9 }', "b", None),
        ("type: BYTES", "yes", None),
    ],
)
def test_the_negative_label_needs_a_domain_of_exactly_two_values(label, positive, negative):
    text = f'feature {{ name: "y" {label} }} string_domain {{ name: "y" value: "a" value: "b" }}'
    assert find_negative_label(text_format.Parse(text, schema_pb2.Schema()), "y", positive) == negative
