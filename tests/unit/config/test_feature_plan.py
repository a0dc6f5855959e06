import json
import subprocess
import sys

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.feature_plan import FeaturePlan, NumericFeature
from flightline.config.feature_planning import plan_features
from flightline.config.modeling import FeatureSettings
from flightline.serving.target import Target

SCHEMA = text_format.Parse(
    """
    feature { name: "city" type: BYTES presence { min_fraction: 1.0 } value_count { min: 1 max: 1 } }
    feature { name: "amount" type: FLOAT presence { min_fraction: 1.0 } shape {} }
    feature { name: "age" type: INT presence { min_fraction: 1.0 } value_count { min: 1 max: 1 } }
    feature { name: "sparse" type: FLOAT presence { min_fraction: 0.5 } shape { dim { size: 1 } } }
    feature { name: "empty" type: FLOAT presence { min_fraction: 1.0 } }
    feature { name: "code" type: INT int_domain { is_categorical: true } }
    feature { name: "month" type: INT }
    feature { name: "old" type: FLOAT lifecycle_stage: DEPRECATED }
    feature { name: "target" type: INT }
    """,
    schema_pb2.Schema(),
)


def plan(**settings):
    return plan_features(SCHEMA, "target", FeatureSettings(**settings))


def test_types_and_domains_decide_the_roles():
    made = plan(categorical=["month"], exclude=["age"])
    assert [number.name for number in made.numbers] == ["amount", "empty", "sparse"]
    assert [category.name for category in made.categories] == ["city", "code", "month"]
    assert (made.label, made.label_type, made.transformed_label) == ("target", "INT", "target_xf")


def test_only_optional_columns_get_missing_value_indicators():
    optional = {number.name: number.optional for number in plan().numbers}
    assert optional == {"age": False, "amount": False, "empty": True, "month": True, "sparse": True}


def test_a_bucketised_number_is_a_number_and_a_category():
    made = plan(bucketised=["age"], bucket_count=7)
    assert "age" in [number.name for number in made.numbers]
    assert made.categories[-1].transformed == "age_bucket_xf"
    assert made.raw_names.count("age") == 1
    assert made.category_sizes({"city": 3, "code": 0}) == (5, 2, 8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"exclude": ["citi"]}, "features.exclude names 'citi'.*did you mean city"),
        ({"categorical": ["mont"]}, "features.categorical names 'mont'.*did you mean month"),
        ({"categorical": ["amount"]}, "features.categorical names 'amount', a column of type FLOAT"),
        ({"bucketised": ["city"]}, "features.bucketised names 'city', a column of type BYTES"),
        ({"exclude": ["target"]}, "the label 'target'"),
        ({"exclude": [f.name for f in SCHEMA.feature if f.name != "target"]}, "no column is left"),
    ],
)
def test_errors_name_the_wrong_setting_and_suggest_a_column(settings, message):
    with pytest.raises(ValueError, match=message):
        plan(**settings)


def test_an_unknown_label_or_one_that_does_not_fit_the_target_is_refused():
    with pytest.raises(ValueError, match=r"label names 'targte'.*did you mean target"):
        plan_features(SCHEMA, "targte", FeatureSettings())
    with pytest.raises(ValueError, match="label 'city' is text: `positive_label` must name"):
        plan_features(SCHEMA, "city", FeatureSettings())
    with pytest.raises(ValueError, match="label 'target' is INT, and `positive_label` has the text 'yes'"):
        plan_features(SCHEMA, "target", FeatureSettings(), Target(positive="yes"))
    assert plan_features(SCHEMA, "city", FeatureSettings(), Target(positive="Rome")).target.positive == "Rome"


@pytest.mark.parametrize("more", ["value_count { min: 0 max: 3 }", "shape { dim { size: 2 } }"])
def test_columns_of_several_values_are_refused(more):
    schema = text_format.Parse(
        f'feature {{ name: "list" type: INT {more} }} feature {{ name: "y" type: INT }}', schema_pb2.Schema()
    )
    with pytest.raises(ValueError, match="column 'list' holds several values"):
        plan_features(schema, "y", FeatureSettings())


def test_two_columns_never_share_a_transformed_name():
    schema = text_format.Parse(
        'feature { name: "a" type: INT } feature { name: "a_bucket" type: INT } feature { name: "y" type: INT }',
        schema_pb2.Schema(),
    )
    with pytest.raises(ValueError, match="a_bucket_xf"):
        plan_features(schema, "y", FeatureSettings(bucketised=["a"]))


@given(st.lists(st.builds(NumericFeature, name=st.text(), optional=st.booleans()), unique_by=lambda n: n.name))
def test_a_plan_equals_its_json_round_trip(numbers):
    made = FeaturePlan(**(plan().model_dump() | {"label": "\0", "numbers": [n for n in numbers if n.name != "\0"]}))
    assert FeaturePlan.model_validate(json.loads(json.dumps(made.model_dump(mode="json")))) == made


def test_feature_planning_does_not_import_tensorflow():
    code = "import sys, flightline.config.feature_planning; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
