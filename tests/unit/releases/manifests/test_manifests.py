"""Manifests for every platform: valid ones, and settings that are rejected."""

from __future__ import annotations

import pytest
import yaml
from kubernetes_schemas import validate_manifest
from pydantic import ValidationError
from rendered_manifests import (
    ACCESS_SETTINGS,
    CONFIG,
    KINDS_AND_CANARIES,
    SETTINGS,
    config_with_releases,
    render_manifests,
)
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.errors import UsageError
from flightline.releases.manifests import PLATFORMS, STORAGE_SCHEMES, read_canary
from flightline.releases.rollout import set_canary


@pytest.mark.parametrize("access", [(), ACCESS_SETTINGS])
@pytest.mark.parametrize(("kind", "canary"), KINDS_AND_CANARIES)
def test_the_platform_accepts_the_manifests_without_dropping_fields(tmp_path, kind, canary, access):
    documents = render_manifests(config_with_releases(tmp_path, *access), kind, canary)
    for document in documents:
        validate_manifest(document)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", PLATFORMS)
def test_an_unknown_field_would_be_detected(config, kind):
    for document in render_manifests(config, kind, canary=10):
        document["spec"]["nosuch"] = 1
        with pytest.raises(ValidationError):
            validate_manifest(document)


@pytest.mark.parametrize("kind", ["kserve", "seldon-v1"])
def test_an_unknown_field_of_a_container_would_be_detected(config, kind):
    [document] = render_manifests(config, kind)
    predictor = document["spec"].get("predictor") or document["spec"]["predictors"][0]["componentSpecs"][0]["spec"]
    predictor["containers"][0]["readinessProbe"]["httpGet"]["prot"] = 8080
    with pytest.raises(ValidationError):
        validate_manifest(document)


@pytest.mark.parametrize("kind", PLATFORMS)
def test_manifests_name_the_release_and_where_to_read_it(config, kind):
    documents = render_manifests(config, kind)
    text = yaml.safe_dump_all(documents)
    assert "gs://bucket/releases/18" in text
    assert "gs://bucket/releases/17" not in text
    assert "registry.example/flightline:1" in text
    for document in documents:
        assert document["metadata"]["labels"]["app.kubernetes.io/version"] == "18"
        about = document["metadata"]["annotations"]
        assert about["flightline/run"] == "run-18"
        assert about["flightline/model-digest"] == "ab" * 32


@pytest.mark.parametrize("kind", ["kserve", "seldon-v1"])
def test_the_server_in_the_cluster_gets_the_configured_options(tmp_path, kind):
    config = config_with_releases(tmp_path, "serving.threshold=0.3", "serving.max_rows=7")
    text = yaml.safe_dump_all(render_manifests(config, kind))
    assert "--threshold\n" in text
    assert "'0.3'" in text
    assert "'7'" in text


def test_the_canary_is_read_from_its_file(config):
    assert read_canary(config) is None
    set_canary(config.releases, "17", 0.25)
    assert read_canary(config) == ("17", 25)
    (config.releases / "CANARY").write_text("nonsense")
    with pytest.raises(UsageError, match="CANARY is invalid"):
        read_canary(config)


@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize(
    "storage", ["workspace/releases", "/mnt/releases", "file:///releases", "gs://", "https://host/releases"]
)
def test_storage_that_the_platform_cannot_read_is_rejected(tmp_path, kind, storage):
    config = config_with_releases(tmp_path, f"serving.kubernetes.storage={storage}")
    with pytest.raises(UsageError, match=r"serving\.kubernetes\.storage .*; set a URI"):
        render_manifests(config, kind)


def test_only_kserve_reads_from_a_volume_claim(tmp_path):
    config = config_with_releases(tmp_path, "serving.kubernetes.storage=pvc://claim/releases")
    assert "pvc://claim/releases/18" in yaml.safe_dump_all(render_manifests(config, "kserve"))
    with pytest.raises(UsageError, match="this platform cannot read"):
        render_manifests(config, "seldon-v1")
    assert "pvc" not in STORAGE_SCHEMES["seldon-v2"]


def test_a_missing_image_or_storage_is_rejected(config):
    for key, message in (("image", r"docker/serving\.Dockerfile"), ("storage", "storage is not set")):
        kubernetes = config.serving.kubernetes.model_copy(update={key: ""})
        serving = config.serving.model_copy(update={"kubernetes": kubernetes})
        with pytest.raises(UsageError, match=message):
            render_manifests(config.model_copy(update={"serving": serving}), "kserve")


def test_the_deploy_command_writes_manifests_or_names_the_missing_settings(config, tmp_path):
    options = [word for setting in (f"workspace={tmp_path}", *SETTINGS) for word in ("--set", setting)]
    command = ["deploy", "--config", CONFIG, *options]
    file = tmp_path / "deep" / "flights.yaml"
    done = CliRunner().invoke(app, [*command, "--manifest", "kserve", "--output", str(file)])
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(file.read_text())["kind"] == "InferenceService"
    set_canary(config.releases, "17", 0.25)
    printed = CliRunner().invoke(app, [*command, "--manifest", "seldon-v2"])
    assert [one["kind"] for one in yaml.safe_load_all(printed.stdout)] == ["Server", "Model", "Model", "Experiment"]
    alone = CliRunner().invoke(app, [*command, "--manifest", "seldon-v2", "--release", "17"])
    assert [one["kind"] for one in yaml.safe_load_all(alone.stdout)] == ["Server", "Model"]
    for wrong, message in (
        (["--manifest", "nomad"], "unknown platform"),
        (["--manifest", "kserve", "--release", "9"], "no release 9"),
        (["--manifest", "kserve", "--set", "serving.kubernetes.image=''"], "image is not set"),
    ):
        result = CliRunner().invoke(app, [*command, *wrong])
        assert result.exit_code == 2
        assert message in result.output
