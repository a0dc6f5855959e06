"""What `flightline lineage`, `why` and `diff` say of real runs, and that every artifact carries its digest."""

import json
from importlib.metadata import version

import pytest

import flightline as fl
from flightline.metadata.properties import properties_of


@pytest.fixture
def ask(trained, command):
    """`ask("why", "latest")` → the JSON document."""

    def ask(*words):
        answered = command(trained.workspace, *words, "--json")
        assert answered.returncode == 0, answered.stderr
        return json.loads(answered.stdout)

    return ask


def test_every_artifact_carries_its_content_digest(trained):
    made = [artifact for step in trained.steps.values() for some in step.outputs.values() for artifact in some]
    assert len(made) > 15
    assert not [artifact.uri for artifact in made if not properties_of(artifact).get("content_digest")]


def test_from_the_release_back_to_everything(trained, ask):
    found = ask("lineage", f"release:{trained.current}")
    assert found["rows"]["read"] == trained.summary["rows"]["read"]
    assert {"Examples", "Schema", "TransformGraph", "Model", "ModelBlessing", "InfraBlessing"} <= {
        artifact["type"] for artifact in found["artifacts"]
    }
    assert found["artifacts"][0]["type"] == "PushedModel"
    assert found["code"].keys() >= {"ExampleGen", "Transform", "Trainer", "Evaluator", "ServingCheck"}
    assert found["lock"]
    assert "@" in found["about"]["started_by"]
    assert "evaluation:" in found["about"]["config"]
    assert found["metrics"]["auc"] == trained.summary["evaluation"]["metrics"]["overall"]["auc"]


def test_the_sbom_of_a_release_has_its_files_and_the_packages_of_its_lock(trained, command):
    answered = command(trained.workspace, "sbom")
    assert answered.returncode == 0, answered.stderr
    bill = json.loads(answered.stdout)
    model = bill["metadata"]["component"]
    assert model["version"] == trained.current
    assert {"saved_model.pb", "release.json"} <= {file["name"] for file in model["components"]}
    installed = {part["name"]: part["version"] for part in bill["components"] if part["type"] == "library"}
    assert {name: installed[name] for name in ("tfx", "tensorflow")} == {
        name: version(name) for name in ("tfx", "tensorflow")
    }


def test_downstream_lineage_leads_from_the_data_to_the_release(trained, ask):
    examples = trained.steps["ExampleGen"].output("examples").id
    types = {artifact["type"] for artifact in ask("lineage", f"artifact:{examples}", "--downstream")["artifacts"]}
    assert {"ExampleStatistics", "Model", "PushedModel"} <= types


def test_why_explains_thresholds_champion_and_steps(again, ask):
    found = ask("why", again.run_id)
    checks = {(check["metric"], check["slice"]): check for check in found["checks"]}
    overall = checks["auc", "overall"]
    assert overall["champion"] is not None
    assert overall["value"] == again.summary["evaluation"]["metrics"]["overall"]["auc"]
    steps = {step["node"]: step for step in found["steps"]}
    assert steps["Transform"]["reason"].startswith("from first: nothing")
    assert steps["Trainer"]["reason"] == "changed: parameters train.epochs, train.min_steps"
    assert steps["Champion"]["reason"] == ""


def test_diff_names_the_changes_and_their_effects(again, ask):
    found = ask("diff", "first", again.run_id)
    assert {change["name"] for change in found["config"]} == {"train.epochs", "train.min_steps"}
    assert not found["data"]
    assert not found["feature_shifts"]
    assert not [change for change in found["code"] if change["name"] != "commit"]
    assert "Trainer.model" in {change["name"] for change in found["artifacts"]}
    assert "auc" in {change["metric"] for change in found["metrics"] if change["slice"] == "overall"}


def test_the_python_api_returns_the_values_that_the_commands_show(trained):
    project = fl.open(trained.folder / "config.yaml")
    run = project.runs["first"]
    assert run.statistics("train", "eval").rows == trained.summary["rows"]["splits"]
    assert "late" in {feature.name for feature in run.schema.feature}
    assert run.anomalies.protos["train"].baseline.feature
    assert dict(run.metrics(slice="origin=JFK")) == trained.summary["evaluation"]["metrics"]["origin=JFK"]
    assert run.verdict.title == "Released"
    assert project.releases[trained.current].lineage.rows == run.rows
    assert project.releases[trained.current].run.run_id == "first"
    with pytest.raises(fl.UsageError, match="no metrics of slice origin=XXX"):
        run.metrics(slice="origin=XXX")
    with pytest.raises(fl.UsageError, match="statistics of split other"):
        run.statistics("other")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lineage", "release:7"), "has no release 7 of flights"),
        (("lineage", "artifact:999999"), "there is no artifact 999999"),
        (("lineage", "no/such/folder"), "there is no artifact at no/such/folder"),
        (("why", "nobody"), "there is no run nobody"),
        (("diff", "first", "nobody"), "there is no run nobody"),
    ],
)
def test_an_unknown_name_is_one_line_on_stderr(trained, command, words, message):
    answered = command(trained.workspace, *words)
    assert answered.returncode == 2
    assert message in answered.stderr
    assert len(answered.stderr.strip().splitlines()) == 1
