import hashlib
import json

import pytest
from sbom_examples import make_bill

from flightline.releases.sbom import build_cyclonedx


def by_ref(document):
    parts = [document["metadata"]["component"], *document["components"]]
    return {
        part["bom-ref"]: part for part in [*parts, *(inner for part in parts for inner in part.get("components", []))]
    }


def test_the_sbom_lists_files_data_schema_and_packages_with_digests(tmp_path):
    document = build_cyclonedx(make_bill(tmp_path))
    parts = by_ref(document)
    model = parts["model"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "flights", "1795430995")
    files = {file["name"]: file["hashes"][0]["content"] for file in model["components"]}
    assert files["saved_model.pb"] == hashlib.sha256(b"a graph").hexdigest()
    assert set(files) == {"saved_model.pb", "variables/variables.index"}
    assert parts["data"]["hashes"][0]["content"] == "a" * 64
    assert [file["name"] for file in parts["data"]["components"]] == ["flights.csv", "span-02/flights.csv"]
    assert parts["schema"]["hashes"][0]["content"] == "b" * 64
    assert "pkg:pypi/tfx@1.21.0" not in parts


def test_the_sbom_has_the_model_card_and_the_digest_of_the_lock(tmp_path):
    document = build_cyclonedx(make_bill(tmp_path))
    card = document["metadata"]["component"]["modelCard"]
    assert card["modelParameters"]["datasets"] == [{"ref": "data"}]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "auc", "value": "0.94", "slice": "overall"}]
    assert card["considerations"]["technicalLimitations"] == ["flights"]
    facts = {one["name"]: one["value"] for one in document["metadata"]["properties"]}
    assert facts["flightline:lock"] == "c" * 64
    assert facts["flightline:commit"] == "0123abc with uncommitted changes"


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ({"task": "regression"}, "regression: the value of y"),
        (
            {"task": "multiclass", "classes": ["red", "green", 3]},
            "multiclass classification: the probability of each value of y (red, green, 3)",
        ),
        (
            {"task": "binary", "positive": "yes", "values": ["no", "yes"]},
            "binary classification: the probability that y is yes",
        ),
        ({"task": "binary", "positive": 0}, "binary classification: the probability that y is 0"),
        ({"task": "binary", "positive": None}, "binary classification: the probability that y is 1"),
        ({}, "binary classification: the probability that y is 1"),
    ],
)
def test_the_model_card_describes_the_prediction(tmp_path, target, task):
    document = build_cyclonedx(make_bill(tmp_path, label="y", target=target))
    assert document["metadata"]["component"]["modelCard"]["modelParameters"]["task"] == task


def test_dependencies_are_components_and_every_package_is_reachable(tmp_path):
    document = build_cyclonedx(make_bill(tmp_path))
    parts, edges = by_ref(document), {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    assert set(edges) <= set(parts)
    reached, wave = set(), {"model"}
    while wave:
        reached |= wave
        wave = {ref for at in wave for ref in edges.get(at, [])} - reached
    packages = {ref for ref in parts if ref.startswith("pkg:")}
    assert len(packages) > 250
    assert packages <= reached
    assert "pkg:pypi/tensorflow@2.16.2" in edges["pkg:pypi/tfx@1.16.0"]


def test_equal_releases_have_equal_sboms_and_a_changed_file_another_serial_number(tmp_path):
    first, again = (json.dumps(build_cyclonedx(make_bill(tmp_path))) for _ in range(2))
    assert first == again
    bill = make_bill(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"another graph")
    assert build_cyclonedx(bill)["serialNumber"] != json.loads(first)["serialNumber"]
