"""The kind of each finding, and whether the policy lets it block."""

import pytest
from pydantic import ValidationError

from flightline.config.gate import GatePolicy
from flightline.executors.data_gate.findings import Finding
from flightline.executors.data_gate.policy import DUPLICATED_SPAN, LABEL_ASSOCIATION_LOST, apply_policy, finding_kind


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("REJECTED_UNPARSABLE", "rejected"),
        ("NO_ROWS_LEFT", "rejected"),
        ("MISSING_VALUES", "missing"),
        ("COMPARATOR_L_INFTY_HIGH", "drift"),
        ("COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH", "drift"),
        ("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "anomaly"),
        ("SCHEMA_NEW_COLUMN", "anomaly"),
        (DUPLICATED_SPAN, "duplicate"),
        (LABEL_ASSOCIATION_LOST, "label_association"),
    ],
)
def test_every_finding_has_its_kind(kind, expected):
    assert finding_kind(Finding("x", kind, "", 1)) == expected


def test_the_policy_of_a_feature_overrides_the_general_policy():
    policy = GatePolicy.model_validate(
        {"drift": "warn", "features": {"carrier": {"drift": "ignore", "anomaly": "warn"}}}
    )
    drifted, unknown = "COMPARATOR_L_INFTY_HIGH", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
    found = [Finding(name, kind, "", 1) for name in ("carrier", "origin") for kind in (drifted, unknown)]
    assert [(f.feature, f.kind, f.blocks) for f in apply_policy(found, policy)] == [
        ("carrier", unknown, False),
        ("origin", drifted, False),
        ("origin", unknown, True),
    ]


def test_the_policy_does_not_turn_a_warning_into_a_blocking_finding():
    assert [f.blocks for f in apply_policy([Finding("x", "SCHEMA_NEW_COLUMN", "", 1, blocks=False)], GatePolicy())] == [
        False
    ]


def test_unknown_kinds_and_actions_are_refused():
    with pytest.raises(ValidationError):
        GatePolicy.model_validate({"drfit": "warn"})
    with pytest.raises(ValidationError):
        GatePolicy.model_validate({"features": {"carrier": {"drift": "shout"}}})
