from pathlib import Path

import pytest
import yaml

from flightline.engines.services import _required_services


def service_commands(config, folder):
    return dict(_required_services(config, folder))


@pytest.fixture(autouse=True)
def without_user_flink_config(monkeypatch):
    monkeypatch.delenv("FLINK_CONF_DIR", raising=False)


def test_an_embedded_flink_gets_buffers_for_transform_and_no_pool(config_of, tmp_path):
    [(endpoint, command)] = service_commands(config_of("engine.name=flink"), tmp_path).items()
    assert endpoint == "localhost:8098"
    assert {"--flink-master=[local]", "--job-port=8098", f"--flink-conf-dir={tmp_path}"} <= set(command)
    conf = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert conf["taskmanager.memory.network.max"] == "512m"


def test_the_users_flink_configuration_is_kept(config_of, tmp_path, monkeypatch):
    monkeypatch.setenv("FLINK_CONF_DIR", "/etc/flink")
    [command] = service_commands(config_of("engine.name=flink"), tmp_path).values()
    assert not [word for word in command if word.startswith("--flink-conf-dir")]


def test_a_local_cluster_gets_a_worker_pool(config_of, tmp_path):
    settings = ("engine.name=flink", "engines.flink.master=127.0.0.1:8081", "engines.flink.worker_endpoint=localhost:7")
    commands = service_commands(config_of(*settings), tmp_path)
    assert list(commands) == ["localhost:8098", "localhost:7"]
    assert commands["localhost:7"][-1] == "--service_port=7"
    assert not Path(tmp_path / "config.yaml").exists()


@pytest.mark.parametrize("setting", ["worker_endpoint=far:7", "start_workers=false"])
def test_a_remote_or_running_worker_pool_is_not_started(config_of, tmp_path, setting):
    pool = "engines.flink.worker_endpoint=localhost:7"
    commands = service_commands(config_of("engine.name=flink", pool, f"engines.flink.{setting}"), tmp_path)
    assert list(commands) == ["localhost:8098"]
