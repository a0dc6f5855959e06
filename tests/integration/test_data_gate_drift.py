"""Poisoned or drifted spans, compared with the accepted span before: each is blocked, and the real one is not.

May was accepted and June is new; every fourth flight of each.
"""

import json

import pandas as pd
import pytest

from flightline.errors import DataBlocked
from flightline.executors.data_gate.findings import drift_from_json, findings_from_json

EVERY = 4


class Months:
    """Months as artifacts, each with the statistics and anomalies that the gate reads."""

    def __init__(self, components, year, folder):
        self.components, self.year, self.folder = components, year, folder
        self.schema = components.schema()
        self.made = 0

    def rows(self, month):
        path = self.year / f"span-{month:02d}" / "flights.csv"
        return pd.read_csv(path, dtype=str, keep_default_na=False).iloc[::EVERY].reset_index(drop=True)

    def take(self, rows, span):
        """(Examples with its digest, statistics, anomalies) of these rows."""
        from flightline.metadata.content_digest import digest_artifact

        self.made += 1
        data = self.folder / str(self.made)
        data.mkdir()
        rows.to_csv(data / "flights.csv", index=False)
        examples = self.components.examples(data)
        examples.span = span
        examples.set_string_custom_property("content_digest", digest_artifact("Examples", examples.uri))
        return examples, *self.components.validate(examples, self.schema)

    def judge(self, rows, before, policy=None, override=""):
        """Runs the gate on June's rows after May was accepted: (findings, drift). Raises if it blocks."""
        from tfx.types import standard_artifacts

        from flightline.components import data_gate

        examples, statistics, anomalies = self.take(rows, 6)
        verdict = self.components.artifact(standard_artifacts.JsonValue)
        verdict.uri += "/value"
        inputs = {"examples": examples, "statistics": statistics, "anomalies": anomalies, "schema": self.schema}
        self.components.execute(
            data_gate.Executor,
            {**inputs, "previous_statistics": before[1], "accepted_examples": before[0]},
            {"verdict": verdict},
            max_rejected=json.dumps({"unparsable": 0.001, "missing_label": 0.08}),
            policy=json.dumps(policy or {}),
            label="late",
            override=override,
            code_digest="",
        )
        text = json.dumps(verdict.read())
        return findings_from_json(text), drift_from_json(text)


@pytest.fixture(scope="module")
def months(flights_year, tmp_path_factory):
    from single_components import ComponentRunner

    folder = tmp_path_factory.mktemp("months")
    (folder / "artifacts").mkdir()
    (folder / "data").mkdir()
    return Months(ComponentRunner(folder / "artifacts"), flights_year, folder / "data")


@pytest.fixture(scope="module")
def may(months):
    return months.take(months.rows(5), 5)


def test_the_real_june_passes_and_every_distance_is_recorded(months, may):
    found, drift = months.judge(months.rows(6), may)
    assert found == []
    assert len(drift) == 21
    assert all(0 <= one.distance < one.threshold for one in drift)
    margins = [one.threshold - one.distance for one in drift]
    assert margins == sorted(margins)
    assert {one.measure for one in drift if one.feature in ("carrier", "temp")} == {"L-infinity", "Jensen-Shannon"}


def kilometres(rows):
    rows["distance"] = (rows["distance"].astype(float) * 1.609).round().astype(int).astype(str)


def celsius(rows):
    there = rows["temp"] != ""
    rows.loc[there, "temp"] = ((rows.loc[there, "temp"].astype(float) - 32) / 1.8).round(1).astype(str)


def flood(rows):
    rows.loc[rows.index[::5], "carrier"] = "F9"  # a carrier that is known, and never had a fifth of the flights


def new_carrier(rows):
    rows.loc[rows.index[::5], "carrier"] = "ZZ"


def swapped(rows):
    rows["origin"], rows["dest"] = rows["dest"].copy(), rows["origin"].copy()


def swapped_numbers(rows):
    rows["seats"], rows["distance"] = rows["distance"].copy(), rows["seats"].where(rows["seats"] != "", "100")


def nulls(rows):
    rows.loc[rows.index[::3], "dep_delay"] = ""


def shuffled_labels(rows):
    rows["late"] = rows["late"].sample(frac=1, random_state=0).to_numpy()


@pytest.mark.parametrize(
    ("poison", "feature", "kind"),
    [
        (kilometres, "distance", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"),
        (celsius, "temp", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"),
        (flood, "carrier", "COMPARATOR_L_INFTY_HIGH"),
        (new_carrier, "carrier", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        (swapped, "origin", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        (swapped_numbers, "distance", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"),
        (nulls, "dep_delay", "MISSING_VALUES"),
        (shuffled_labels, "dep_delay", "LABEL_ASSOCIATION_LOST"),
    ],
)
def test_poisoned_data_are_blocked(months, may, poison, feature, kind):
    rows = months.rows(6)
    poison(rows)
    with pytest.raises(DataBlocked) as blocked:
        months.judge(rows, may)
    found = findings_from_json(blocked.value.recorded_reason)
    assert (feature, kind) in {(one.feature, one.kind) for one in found if one.blocks}
    assert drift_from_json(blocked.value.recorded_reason)


def test_a_month_that_is_delivered_twice_is_caught(months, may):
    with pytest.raises(DataBlocked, match="all rows are the same as those of span 5, which was accepted"):
        months.judge(months.rows(5), may)


def test_the_policy_decides_by_kind_and_by_feature(months, may):
    rows = months.rows(6)
    flood(rows)
    [found], _ = months.judge(rows, may, {"drift": "warn"})
    assert (found.feature, found.blocks, found.overridden) == ("carrier", False, False)
    assert months.judge(rows, may, {"features": {"carrier": {"drift": "ignore"}}})[0] == []
    with pytest.raises(DataBlocked):
        months.judge(rows, may, {"drift": "warn", "features": {"carrier": {"drift": "block"}}})


def test_an_override_lets_a_blocked_span_pass_and_is_recorded(months, may):
    rows = months.rows(6)
    flood(rows)
    [found], _ = months.judge(rows, may, override="Frontier has bought a fleet")
    assert (found.feature, found.blocks, found.overridden) == ("carrier", False, True)
