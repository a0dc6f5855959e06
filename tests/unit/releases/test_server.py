"""The settings of the server, and when it cannot start."""

from __future__ import annotations

import json

import pytest

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import ConfigError, UsageError
from flightline.releases import server
from flightline.serving.settings import read_settings


def config_of(*overrides):
    return load_config(DEFAULT_CONFIG, overrides)


def test_the_server_reads_the_settings_of_the_config(tmp_path):
    config = config_of(f"workspace={tmp_path}", "serving.log.hash_features=[tailnum]", "serving.canary.max_drift=0.2")
    file = tmp_path / "server.json"
    file.write_text(json.dumps(server.server_settings(config)))
    settings = read_settings(file)
    assert (settings.name, settings.host) == ("flights", "127.0.0.1")
    assert settings.releases == tmp_path / "releases" / "flights"
    assert settings.log is not None
    assert settings.log.hash_features == ("tailnum",)
    assert settings.log.folder == tmp_path / "predictions" / "flights"
    assert settings.canary.max_drift == 0.2


def test_a_disabled_log_has_no_settings(tmp_path):
    file = tmp_path / "server.json"
    file.write_text(json.dumps(server.server_settings(config_of("serving.log.enabled=false"))))
    assert read_settings(file).log is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("serving.log={drop_features: [tailnum], hash_features: [tailnum]}", "in drop_features and in hash_features"),
        ("serving.http_port=99999", "serving.http_port"),
        ("serving.log.flush_s=5", "serving.log.flush_s"),
        ("serving.treshold=0.4", "threshold"),
    ],
)
def test_invalid_settings_are_rejected(override, message):
    with pytest.raises(ConfigError, match=message):
        config_of(override)


def test_the_server_needs_its_environment_and_a_release(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "serving_environment", lambda: tmp_path / "nowhere")
    with pytest.raises(UsageError, match="make serving-setup"):
        server.serve(config_of(f"workspace={tmp_path}"))
    (tmp_path / "nowhere" / "bin").mkdir(parents=True)
    (tmp_path / "nowhere" / "bin" / "python").touch()
    with pytest.raises(UsageError, match="no current release"):
        server.serve(config_of(f"workspace={tmp_path}"))
