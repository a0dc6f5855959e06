import json

import pandas as pd
import pytest

from flightline.errors import DataBlocked
from flightline.executors.data_gate.findings import findings_from_json

LIMITS = {"unparsable": 0.001, "missing_label": 0.05}


def judge(components, data, limits=None):
    """The verdict artifact of DataGate for the CSV files below `data`."""
    from tfx.types import standard_artifacts

    from flightline.components import data_gate

    examples, schema = components.examples(data), components.schema()
    statistics, anomalies = components.validate(examples, schema)
    verdict = components.artifact(standard_artifacts.JsonValue)
    verdict.uri += "/value"
    components.execute(
        data_gate.Executor,
        {"examples": examples, "statistics": statistics, "anomalies": anomalies, "schema": schema},
        {"verdict": verdict},
        max_rejected=json.dumps(limits or LIMITS),
        policy="{}",
        label="late",
        override="",
        code_digest="",
    )
    return verdict


def refusal(components, data, limits=None):
    """The findings with which DataGate refuses them; the error names the first of them."""
    with pytest.raises(DataBlocked) as refused:
        judge(components, data, limits)
    found = findings_from_json(refused.value.recorded_reason)
    assert f"{found[0].feature}: {found[0].problem}" in str(refused.value)
    return found


def spoil(sample, folder, change):
    """One month of the sample with a change made to it."""
    rows = pd.read_csv(sample / "span-05" / "flights.csv", dtype=str, keep_default_na=False)
    change(rows)
    rows.to_csv(folder / "flights.csv", index=False)
    return folder


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_month_of_flights_passes_and_the_verdict_says_so(components, flights_sample, data):
    verdict = judge(components, spoil(flights_sample, data, lambda rows: None))
    assert verdict.get_int_custom_property("passed") == 1


def test_values_outside_the_schema_stop_the_run_with_their_number(components, flights_sample, data):
    def poison(rows):
        rows.loc[rows.index[:7], "carrier"] = "ZZ"
        rows.loc[rows.index[10:15], "distance"] = "-4"

    refused = refusal(components, spoil(flights_sample, data, poison), {"unparsable": 0, "missing_label": 1})
    found = {finding.feature: finding for finding in refused}
    labelled = (pd.read_csv(data / "flights.csv")["late"].notna()).to_numpy()
    assert found["carrier"].rows == labelled[:7].sum()
    assert "ZZ" in found["carrier"].problem
    assert found["distance"].rows == labelled[10:15].sum()


def test_a_column_that_lost_its_values_stops_the_run(components, flights_sample, data):
    def poison(rows):
        rows["temp"] = ""  # optional, in at least 90 % of the rows
        rows.loc[rows.index[:4], "distance"] = ""  # there in every row

    refused = refusal(components, spoil(flights_sample, data, poison))
    found = {f.feature: f for f in refused if f.kind == "MISSING_VALUES"}
    labelled = pd.read_csv(data / "flights.csv")["late"].notna()
    assert found["temp"].rows == labelled.sum()
    assert found["distance"].rows == labelled[:4].sum()


def test_too_many_rejected_rows_stop_the_run(components, flights_sample, data):
    def poison(rows):
        rows.loc[rows.index[:100], "late"] = ""

    [finding] = refusal(components, spoil(flights_sample, data, poison))
    assert finding.kind == "REJECTED_MISSING_LABEL"
    assert finding.rows >= 100
