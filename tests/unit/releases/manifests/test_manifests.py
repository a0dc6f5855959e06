"""Manifests of every platform: what it takes, what is refused before it is told anything."""

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
def test_the_platform_takes_what_is_written_and_drops_nothing(tmp_path, kind, canary, access):
    documents = render_manifests(config_with_releases(tmp_path, *access), kind, canary)
    for document in documents:
        validate_manifest(document)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", PLATFORMS)
def test_a_field_that_it_does_not_know_would_be_seen(config, kind):
    for document in render_manifests(config, kind, canary=10):
        document["spec"]["nosuch"] = 1
        with pytest.raises(ValidationError):
            validate_manifest(document)


@pytest.mark.parametrize("kind", ["kserve", "seldon-v1"])
def test_a_field_that_a_container_does_not_know_would_be_seen(config, kind):
    [document] = render_manifests(config, kind)
    predictor = document["spec"].get("predictor") or document["spec"]["predictors"][0]["componentSpecs"][0]["spec"]
    predictor["containers"][0]["readinessProbe"]["httpGet"]["prot"] = 8080
    with pytest.raises(ValidationError):
        validate_manifest(document)


@pytest.mark.parametrize("kind", PLATFORMS)
def test_the_release_is_where_the_cluster_finds_it_and_is_named(config, kind):
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
def test_the_server_in_the_cluster_is_told_what_the_config_says(tmp_path, kind):
    config = config_with_releases(tmp_path, "serving.threshold=0.3", "serving.max_rows=7")
    text = yaml.safe_dump_all(render_manifests(config, kind))
    assert "--threshold\n" in text
    assert "'0.3'" in text
    assert "'7'" in text


def test_the_canary_is_that_of_the_file(config):
    assert read_canary(config) is None
    set_canary(config.releases, "17", 0.25)
    assert read_canary(config) == ("17", 25)
    (config.releases / "CANARY").write_text("nonsense")
    with pytest.raises(UsageError, match="is no trial"):
        read_canary(config)


@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize(
    "storage", ["workspace/releases", "/mnt/releases", "file:///releases", "gs://", "https://host/releases"]
)
def test_what_the_platform_cannot_copy_from_is_refused(tmp_path, kind, storage):
    config = config_with_releases(tmp_path, f"serving.kubernetes.storage={storage}")
    with pytest.raises(UsageError, match=r"serving\.kubernetes\.storage .*; give a URI"):
        render_manifests(config, kind)


def test_a_volume_claim_is_read_by_kserve_alone(tmp_path):
    config = config_with_releases(tmp_path, "serving.kubernetes.storage=pvc://claim/releases")
    assert "pvc://claim/releases/18" in yaml.safe_dump_all(render_manifests(config, "kserve"))
    with pytest.raises(UsageError, match="this platform reads from"):
        render_manifests(config, "seldon-v1")
    assert "pvc" not in STORAGE_SCHEMES["seldon-v2"]


def test_without_an_image_or_storage_it_is_refused(config):
    for key, said in (("image", r"docker/serving\.Dockerfile"), ("storage", r"\(nothing\)")):
        kubernetes = config.serving.kubernetes.model_copy(update={key: ""})
        serving = config.serving.model_copy(update={"kubernetes": kubernetes})
        with pytest.raises(UsageError, match=said):
            render_manifests(config.model_copy(update={"serving": serving}), "kserve")


def test_the_command_writes_it_or_says_what_is_missing(config, tmp_path):
    options = [word for setting in (f"workspace={tmp_path}", *SETTINGS) for word in ("--set", setting)]
    asked = ["deploy", "--config", CONFIG, *options]
    file = tmp_path / "deep" / "flights.yaml"
    done = CliRunner().invoke(app, [*asked, "--manifest", "kserve", "--output", str(file)])
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(file.read_text())["kind"] == "InferenceService"
    set_canary(config.releases, "17", 0.25)
    printed = CliRunner().invoke(app, [*asked, "--manifest", "seldon-v2"])
    assert [one["kind"] for one in yaml.safe_load_all(printed.stdout)] == ["Server", "Model", "Model", "Experiment"]
    alone = CliRunner().invoke(app, [*asked, "--manifest", "seldon-v2", "--release", "17"])
    assert [one["kind"] for one in yaml.safe_load_all(alone.stdout)] == ["Server", "Model"]
    for wrong, said in (
        (["--manifest", "nomad"], "no such platform"),
        (["--manifest", "kserve", "--release", "9"], "no release 9"),
        (["--manifest", "kserve", "--set", "serving.kubernetes.image=''"], "image is not set"),
    ):
        refused = CliRunner().invoke(app, [*asked, *wrong])
        assert refused.exit_code == 2
        assert said in refused.output
