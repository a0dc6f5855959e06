"""The label's type in the schema, and its values in YAML."""

import pytest
from pydantic import TypeAdapter, ValidationError

from flightline.config.target import LabelValue, check_label_type
from flightline.serving.target import BINARY_TARGET, Target

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize("value", [True, False])
def test_booleans_of_yaml_are_refused_as_label_values(value):
    with pytest.raises(ValidationError, match="in quotes"):
        TypeAdapter(LabelValue).validate_python(value)


@pytest.mark.parametrize(
    ("target", "valid_types", "messages"),
    [
        (BINARY_TARGET, ("INT", "FLOAT"), {"BYTES": "`positive_label` must name", "STRUCT": "must be INT"}),
        (Target(positive="yes"), ("BYTES",), {"INT": "write a number"}),
        (Target(positive=2), ("INT", "FLOAT"), {"BYTES": "in quotes"}),
        (Target(task="multiclass", classes=CLASSES), ("BYTES",), {"INT": "write a number", "FLOAT": "write a number"}),
        (Target(task="multiclass", classes=(1, 2, 3)), ("INT", "FLOAT"), {"BYTES": "in quotes"}),
        (Target(task="regression"), ("INT", "FLOAT"), {"BYTES": "takes numbers"}),
    ],
)
def test_the_type_of_the_label_must_fit_the_target(target, valid_types, messages):
    for label_type in valid_types:
        check_label_type(target, "y", label_type)
    for label_type, message in messages.items():
        with pytest.raises(ValueError, match=message):
            check_label_type(target, "y", label_type)
