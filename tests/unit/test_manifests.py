"""Manifests of a release: what platforms are told, and what is refused before they are told anything.

The fields are those that the CRDs of Seldon Core 1.17.1, Seldon Core 2.5.0 and KServe know where they are written; a
field that is not among them would be dropped by the API server without a word.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config_file import load_config
from pipeline.errors import UsageError
from pipeline.manifests import MODEL_SETTINGS, bundle, canary_of, manifests
from pipeline.releases import release, releases
from pipeline.trials import set_canary

SET = ("serving.kubernetes.image=registry.example/flightline:1", "serving.kubernetes.storage=gs://bucket/releases")
# Kind → path of an object → the fields that its CRD knows there, of those that we may write.
CONTAINER = {"name", "image", "args", "command", "env", "ports", "readinessProbe", "livenessProbe", "resources"}
CONTAINER |= {"securityContext", "volumeMounts"}
KNOWN: dict[str, dict[str, set[str]]] = {
    "InferenceService": {
        "spec": {"predictor"},
        "spec.predictor": {"minReplicas", "serviceAccountName", "canaryTrafficPercent", "containers"},
        "spec.predictor.containers[]": CONTAINER,
    },
    "SeldonDeployment": {
        "spec": {"name", "protocol", "predictors"},
        "spec.predictors[]": {"name", "replicas", "traffic", "componentSpecs", "graph"},
        "spec.predictors[].graph": {"name", "type", "children"},
        "spec.predictors[].componentSpecs[]": {"spec"},
        "spec.predictors[].componentSpecs[].spec": {"serviceAccountName", "initContainers", "containers", "volumes"},
        "spec.predictors[].componentSpecs[].spec.containers[]": CONTAINER,
        "spec.predictors[].componentSpecs[].spec.initContainers[]": CONTAINER,
    },
    "Server": {
        "spec": {"serverConfig", "replicas", "extraCapabilities", "podSpec"},
        "spec.podSpec": {"serviceAccountName", "containers"},
        "spec.podSpec.containers[]": CONTAINER,
    },
    "Model": {"spec": {"storageUri", "requirements", "memory", "replicas"}},
    "Experiment": {"spec": {"default", "candidates"}, "spec.candidates[]": {"name", "weight"}},
}


@pytest.fixture
def config(tmp_path):
    loaded = load_config(Path("configs/flights_monthly.yaml"), [f"workspace={tmp_path}", *SET])
    for version in ("17", "18"):
        folder = loaded.releases / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"a model")
        release(folder, {"run": f"run-{version}", "inputs": []})
    return loaded


def written(config, kind, canary=None):
    known = {one.version: one for one in releases(config.releases)}
    made = manifests(config, kind, known["18"], (known["17"], canary) if canary else None)
    return list(yaml.safe_load_all(yaml.safe_dump_all(made)))


def objects(value: Any, path: str):
    """(path, object) of everything below a value."""
    if isinstance(value, dict):
        yield path, value
        for key, below in value.items():
            yield from objects(below, f"{path}.{key}")
    elif isinstance(value, list):
        for below in value:
            yield from objects(below, f"{path}[]")


@pytest.mark.parametrize("canary", [None, 10])
@pytest.mark.parametrize("kind", ["kserve", "seldon-v1", "seldon-v2"])
def test_only_fields_that_the_platform_knows_are_written(config, kind, canary):
    for document in written(config, kind, canary):
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", document["metadata"]["name"])
        known = KNOWN[document["kind"]]
        seen = dict(objects(document["spec"], "spec"))
        assert set(known) >= {path for path in seen if path in known} >= {"spec"}
        for path, value in seen.items():
            if path in known:
                assert set(value) <= known[path], path


@pytest.mark.parametrize("kind", ["kserve", "seldon-v1", "seldon-v2"])
def test_the_release_is_where_the_cluster_finds_it(config, kind):
    text = yaml.safe_dump_all(written(config, kind))
    assert "gs://bucket/releases/18" in text
    assert "gs://bucket/releases/17" not in text
    assert "registry.example/flightline:1" in text
    assert "flightline/run: run-18" in text


def test_a_canary_gets_its_share(config):
    [service] = written(config, "kserve", canary=10)
    assert service["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert service["metadata"]["annotations"]["flightline/release"] == "17"
    [deployment] = written(config, "seldon-v1", canary=10)
    assert [(p["name"], p["traffic"]) for p in deployment["spec"]["predictors"]] == [
        ("release-18", 90),
        ("release-17", 10),
    ]
    *_, experiment = written(config, "seldon-v2", canary=10)
    assert [one["weight"] for one in experiment["spec"]["candidates"]] == [90, 10]
    assert experiment["spec"]["default"] == "flights-monthly-18"


def test_the_canary_is_that_of_the_file(config):
    assert canary_of(config) is None
    set_canary(config.releases, "17", 0.25)
    assert canary_of(config) == ("17", 25)
    (config.releases / "CANARY").write_text("nonsense")
    with pytest.raises(UsageError, match="is no trial"):
        canary_of(config)


@pytest.mark.parametrize("storage", ["", "workspace/releases", "/mnt/releases", "file:///releases", "gs://"])
def test_what_no_cluster_can_read_is_refused(config, storage):
    kubernetes = config.serving.kubernetes.model_copy(update={"storage": storage})
    serving = config.serving.model_copy(update={"kubernetes": kubernetes})
    with pytest.raises(UsageError, match=r"serving\.kubernetes\.storage"):
        written(config.model_copy(update={"serving": serving}), "kserve")


def test_without_an_image_it_is_refused(config):
    kubernetes = config.serving.kubernetes.model_copy(update={"image": ""})
    serving = config.serving.model_copy(update={"kubernetes": kubernetes})
    with pytest.raises(UsageError, match=r"docker/serving\.Dockerfile"):
        written(config.model_copy(update={"serving": serving}), "kserve")


def test_the_bundle_is_the_release_and_what_mlserver_wants(config, tmp_path):
    [newest, _] = releases(config.releases)
    copy = bundle(config, newest, tmp_path / "upload")
    assert copy == tmp_path / "upload" / "18"
    assert (copy / "saved_model.pb").read_bytes() == b"a model"
    settings = json.loads((copy / MODEL_SETTINGS).read_text())
    assert settings["name"] == "flights-monthly"
    assert settings["parameters"]["version"] == "18"
    assert not (newest.path / MODEL_SETTINGS).exists()
    with pytest.raises(UsageError, match="is there already"):
        bundle(config, newest, tmp_path / "upload")


def test_the_command_writes_it_or_says_what_is_missing(config, tmp_path):
    options = [word for setting in (f"workspace={tmp_path}", *SET) for word in ("--set", setting)]
    asked = ["deploy", "--config", "configs/flights_monthly.yaml", *options]
    file = tmp_path / "deep" / "flights.yaml"
    done = CliRunner().invoke(app, [*asked, "--manifest", "kserve", "--output", str(file)])
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(file.read_text())["kind"] == "InferenceService"
    for wrong, said in (
        (["--manifest", "nomad"], "no such platform"),
        (["--manifest", "kserve", "--release", "9"], "no release 9"),
    ):
        refused = CliRunner().invoke(app, [*asked, *wrong])
        assert refused.exit_code == 2
        assert said in refused.output
