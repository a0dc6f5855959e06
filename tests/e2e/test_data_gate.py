"""A blocked run, and the two ways on from it: a reviewed change of the schema, or a reason given for this once."""

import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.metadata.runs import Runs
from flightline.releases import audit_log
from flightline.runs.outcome import gate_findings

TO_GATE = ("--to", "DataGate")


@pytest.fixture(scope="module")
def story(run, flights_sample, tmp_path_factory):
    """Four runs over a month in which an unknown carrier flies, in order: exit codes by name, and what was said."""
    folder = tmp_path_factory.mktemp("gate")
    schema = shutil.copy("schema/flights.pbtxt", folder / "flights.pbtxt")
    rows = pd.read_csv(flights_sample / "span-05" / "flights.csv", dtype=str, keep_default_na=False)
    rows.loc[rows.index[::9], "carrier"] = "ZZ"
    (folder / "data" / "span-05").mkdir(parents=True)
    rows.to_csv(folder / "data" / "span-05" / "flights.csv", index=False)
    workspace, results = folder / "workspace", {}

    def go(name, *options):
        results[name] = run(workspace, folder / "data", name, "--set", f"schema={schema}", *options, *TO_GATE)

    def ask(*words):
        answered = CliRunner().invoke(app, [*words, "--config", str(workspace / "runs" / "blocked" / "config.yaml")])
        assert answered.exit_code == 0, answered.output
        return answered.output

    go("blocked")
    assert results["blocked"].code == 3, results["blocked"].err
    go("no-reason", "--override-gate")
    go("overridden", "--override-gate", "--reason", "ZZ: bought by UA")
    go("as-before")
    proposed = ask("schema", "propose", "blocked")
    accepted = ask("schema", "accept", "blocked", "--reason", "ZZ is new")
    go("accepted")
    return workspace, results, proposed, accepted


def test_a_blocked_span_passes_after_the_schema_accepts_its_values(story):
    _, results, proposed, accepted = story
    assert results["blocked"].code == 3
    assert (results["blocked"].folder / "report.html").is_file()
    assert '+  value: "ZZ"' in proposed
    assert '+  value: "ZZ"' in accepted
    assert results["accepted"].code == 0, results["accepted"].err


def test_an_override_has_a_reason_and_holds_for_its_run_alone(story):
    workspace, results, *_ = story
    assert results["no-reason"].code == 2
    assert results["overridden"].code == 0, results["overridden"].err
    step = Runs.open(workspace / "metadata.db").get("overridden").steps["DataGate"]
    assert step.properties["override"] == "ZZ: bought by UA"
    assert any(one.overridden for one in gate_findings(Runs.open(workspace / "metadata.db").get("overridden")))
    assert results["as-before"].code == 3


def test_the_block_and_the_acceptance_are_in_the_audit_log(story):
    workspace, *_ = story
    events = {entry.event: entry.facts for entry in audit_log.verify(workspace)}
    assert events["overridden"]["reason"] == "ZZ: bought by UA"
    assert events["schema accepted"]["reason"] == "ZZ is new"
