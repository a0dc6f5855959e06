"""A copy of a release with MLServer's settings."""

from __future__ import annotations

import json

import pytest
from rendered_manifests import config_with_releases

from flightline.errors import UsageError
from flightline.releases.manifests.bundle import MODEL_SETTINGS, write_bundle
from flightline.releases.release import read_releases
from flightline.serving.standalone import bundle_settings


def test_a_bundle_is_the_release_with_mlserver_settings(config, tmp_path):
    [newest, _] = read_releases(config.releases)
    copy = write_bundle(config, newest, tmp_path / "upload")
    assert copy == tmp_path / "upload" / "18"
    assert (copy / "saved_model.pb").read_bytes() == b"a model"
    settings = json.loads((copy / MODEL_SETTINGS).read_text())
    assert settings["name"] == "flights-monthly"
    assert settings["parameters"]["version"] == "18"
    assert not (newest.path / MODEL_SETTINGS).exists()
    with pytest.raises(UsageError, match="already exists"):
        write_bundle(config, newest, tmp_path / "upload")


def test_the_server_knows_its_release_when_the_platform_overwrites_the_version(tmp_path):
    config = config_with_releases(tmp_path, "serving.threshold=0.3", "serving.max_rows=7")
    [newest, _] = read_releases(config.releases)
    settings = json.loads((write_bundle(config, newest, tmp_path / "upload") / MODEL_SETTINGS).read_text())
    settings |= {"name": "flights-monthly_1"}
    settings["parameters"]["version"] = "1"  # what Seldon Core v2 does to it before the server reads it
    version, more = bundle_settings(settings["parameters"]["version"], settings["parameters"]["extra"])
    assert (version, more) == ("18", {"threshold": 0.3, "max_rows": 7})
