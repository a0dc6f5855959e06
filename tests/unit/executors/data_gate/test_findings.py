import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2

from flightline.executors.data_gate.findings import (
    Finding,
    anomaly_findings,
    findings_from_json,
    findings_to_json,
    rejected_findings,
)

LIMITS = {"missing_label": 0.05, "unparsable": 0.001}
ROWS = {"rows_read": 1000, "rows_split_train": 960, "rows_rejected_missing_label": 40, "rows_rejected_unparsable": 0}


def anomalies(text):
    return text_format.Parse(text, anomalies_pb2.Anomalies())


NEW_CARRIER = anomalies("""
    anomaly_info {
      key: "carrier"
      value {
        severity: ERROR
        reason {
          type: ENUM_TYPE_UNEXPECTED_STRING_VALUES
          short_description: "Unexpected string values"
          description: "Examples contain values missing from the schema: ZZ (~3%). "
        }
      }
    }
""")


def test_rejected_rows_within_the_limits_pass():
    assert rejected_findings(ROWS, LIMITS) == []


@pytest.mark.parametrize(("reason", "rows"), [("missing_label", 51), ("unparsable", 2)])
def test_rejected_rows_above_a_limit_block(reason, rows):
    [finding] = rejected_findings({**ROWS, f"rows_rejected_{reason}": rows}, LIMITS)
    assert finding.blocks
    assert finding.rows == rows
    assert reason in finding.problem


def test_a_single_rejection_blocks_if_its_reason_has_no_limit():
    [finding] = rejected_findings({**ROWS, "rows_rejected_unparsable": 1}, {"missing_label": 0.05})
    assert finding.kind == "REJECTED_UNPARSABLE"


def test_an_input_without_accepted_rows_blocks_despite_the_limits():
    rows = {"rows_read": 10, "rows_split_train": 0, "rows_rejected_missing_label": 10}
    assert [f.kind for f in rejected_findings(rows, {"missing_label": 1.0})] == ["NO_ROWS_LEFT"]


def test_an_anomaly_in_several_splits_is_one_finding_with_the_sum_of_rows():
    counts = {"train": 30, "eval": 12}
    [finding] = anomaly_findings({"train": NEW_CARRIER, "eval": NEW_CARRIER}, lambda split, *_: counts[split])
    assert finding == Finding(
        feature="carrier",
        kind="ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        problem="Examples contain values missing from the schema: ZZ (~3%)",
        rows=42,
    )


def test_warnings_are_findings_that_do_not_block():
    warned = anomalies('anomaly_info { key: "x" value { severity: WARNING reason { type: FLOAT_TYPE_BIG_FLOAT } } }')
    assert [f.blocks for f in anomaly_findings({"train": warned})] == [False]


def test_an_error_in_one_split_blocks_despite_a_warning_in_another():
    warned, wrong = (
        anomalies(
            f'anomaly_info {{ key: "x" value {{ severity: {severity} reason {{ type: FLOAT_TYPE_BIG_FLOAT }} }} }}'
        )
        for severity in ("WARNING", "ERROR")
    )
    for order in ({"train": warned, "eval": wrong}, {"train": wrong, "eval": warned}):
        assert [f.blocks for f in anomaly_findings(order)] == [True]


def test_dataset_anomalies_and_missing_data_block():
    found = anomalies(
        'dataset_anomaly_info { reason { type: DATASET_LOW_NUM_EXAMPLES description: "few" } } data_missing: true'
    )
    kinds = {f.kind for f in anomaly_findings({"eval": found}) if f.blocks}
    assert kinds == {"DATASET_LOW_NUM_EXAMPLES", "DATA_MISSING"}


def test_clean_data_have_no_findings():
    assert anomaly_findings({"train": anomalies_pb2.Anomalies()}) == []


def test_findings_equal_their_json_round_trip():
    found = [Finding("a", "K", 'quotes " and \\ and ünïcode', 3), Finding("b", "L", "", 0, blocks=False)]
    assert findings_from_json(findings_to_json(found)) == found


def test_invalid_findings_json_is_refused():
    with pytest.raises(ValueError, match="not a verdict of the data gate"):
        findings_from_json('[{"other": 1}]')
