from pathlib import Path

import pytest
import yaml

from flightline.cli.doctor import check_environment
from flightline.config.engines import ENGINES
from flightline.config.loader import load_config


@pytest.fixture
def check(tmp_path, monkeypatch):
    """`check("a.b=value", ...)` → findings by name, on a machine without jars and credentials."""
    config = load_config(Path("configs/flights.yaml")).model_dump(mode="json", by_alias=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    (tmp_path / "flights.yaml").write_text(yaml.safe_dump(config))

    def check(*overrides):
        found = check_environment(load_config(tmp_path / "flights.yaml", overrides))
        return {finding.name: finding for finding in found}

    return check


def test_every_engine_is_listed(check):
    found = check()
    assert {"python", "tfx", *ENGINES} == set(found)
    for name in ("python", "tfx", "local", "multiprocess", "portable"):
        assert (found[name].state, found[name].fix) == ("ready", "")


def test_an_incomplete_engine_says_what_is_missing_and_how_to_fix_it(check, tmp_path):
    found = check()
    assert found["flink"].state == found["dataflow"].state == "incomplete"
    assert "make flink" in found["flink"].fix
    assert found["dataflow"].detail == "engines.dataflow.project is missing"
    (tmp_path / "server.jar").touch()
    assert check("engines.flink.job_server_jar=server.jar")["flink"].state == "ready"


def test_dataflow_is_ready_with_settings_and_credentials(check, tmp_path, monkeypatch):
    settings = (
        "data.input=gs://ab-data/flights",
        "pipeline_root=gs://ab-data/artifacts",
        "engines.dataflow={project: my-project, region: europe-west1, bucket: gs://ab-data, image: eu.gcr.io/x/y:1}",
    )
    assert "no credentials" in check(*settings)["dataflow"].detail
    (tmp_path / "key.json").touch()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    assert check(*settings)["dataflow"].state == "submits remotely"
