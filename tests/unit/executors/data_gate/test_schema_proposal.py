import difflib
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from flightline.errors import UsageError
from flightline.executors.data_gate.findings import Finding
from flightline.executors.data_gate.schema_proposal import propose_schema

DRIFT = "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"
SCHEMA = (Path(__file__).resolve().parents[4] / "schema" / "flights.pbtxt").read_text()
STATISTICS = text_format.Parse(
    """
    num_examples: 100
    features { path { step: "carrier" } string_stats { rank_histogram {
      buckets { label: "UA" sample_count: 90 } buckets { label: "Z\\"Z" sample_count: 10 } } } }
    features { path { step: "distance" } num_stats { min: -4 max: 500 } }
    features { path { step: "temp" } num_stats { common_stats { tot_num_values: 67 } } }
    """,
    statistics_pb2.DatasetFeatureStatistics(),
)


def changes(*kinds):
    """The removed and added lines of the proposal, and the problems that it does not solve."""
    proposal = propose_schema(SCHEMA, [Finding(*kind, "wrong", 1) for kind in kinds], {"train": STATISTICS})
    text_format.Parse(proposal.text, schema_pb2.Schema())
    lines = difflib.ndiff(SCHEMA.splitlines(), proposal.text.splitlines())
    return [" ".join(line.split()) for line in lines if line[0] in "+-"], proposal.not_proposed


@pytest.mark.parametrize(
    ("feature", "kind", "edit"),
    [
        ("carrier", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", ['+ value: "Z\\"Z"']),
        ("distance", "INT_TYPE_SMALL_INT", ["- min: 1", "+ min: -4"]),
        ("temp", "MISSING_VALUES", ["- min_fraction: 0.9", "+ min_fraction: 0.67"]),
    ],
)
def test_an_anomaly_changes_only_its_own_lines_of_the_schema(feature, kind, edit):
    assert changes((feature, kind)) == (edit, [])


@pytest.mark.parametrize(("feature", "kind"), [("temp", DRIFT), ("distance", "MISSING_VALUES"), ("(rows)", "X")])
def test_a_finding_that_no_edit_solves_is_reported(feature, kind):
    made, [problem] = changes((feature, kind))
    assert made == []
    assert problem.startswith(f"{feature}: wrong")


def test_an_invalid_schema_is_refused():
    with pytest.raises(UsageError, match="cannot be read"):
        propose_schema("feature {", [Finding("a", DRIFT, "far", 1)], {})
