import pytest

from flightline.engines.services import _required_services

EMBEDDED_MASTER, CLUSTER_MASTER = "--spark-master-url=local[2]", "--spark-master-url=spark://127.0.0.1:7077"
CLUSTER = ("engines.spark.master=spark://127.0.0.1:7077", "engines.spark.worker_endpoint=localhost:7")


def service_commands(config, folder):
    return dict(_required_services(config, folder))


def test_an_embedded_spark_listens_on_loopback_only(config_of, tmp_path):
    [(endpoint, command)] = service_commands(config_of("engine.name=spark"), tmp_path).items()
    assert endpoint == "localhost:8097"
    assert {EMBEDDED_MASTER, "--job-port=8097", "-Dspark.driver.bindAddress=127.0.0.1"} <= set(command)


def test_java_17_modules_are_opened_to_spark(config_of, tmp_path):
    """The JVM ignores options that come after the jar."""
    [command] = service_commands(config_of("engine.name=spark"), tmp_path).values()
    options = command[1 : command.index("-jar")]
    assert "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED" in options
    assert f"-Dspark.local.dir={tmp_path / 'spark'}" in options


def test_a_local_cluster_gets_a_worker_pool(config_of, tmp_path):
    commands = service_commands(config_of("engine.name=spark", *CLUSTER), tmp_path)
    assert list(commands) == ["localhost:8097", "localhost:7"]
    assert CLUSTER_MASTER in commands["localhost:8097"]


def test_a_remote_spark_cluster_can_connect_to_the_driver(config_of, tmp_path):
    far = ("engines.spark.master=spark://far:7077", "engines.spark.worker_endpoint=localhost:7")
    commands = service_commands(config_of("engine.name=spark", *far, "engines.spark.start_workers=false"), tmp_path)
    [command] = commands.values()
    assert not [option for option in command if option.startswith("-Dspark.driver")]


@pytest.mark.parametrize("name", ["spark.executor.memory", "spark.local.dir"])
def test_the_users_spark_properties_override_ours(config_of, tmp_path, name):
    settings = config_of("engine.name=spark", f"engines.spark.properties={{{name}: mine}}")
    [command] = service_commands(settings, tmp_path).values()
    assert [option for option in command if option.startswith(f"-D{name}=")] == [f"-D{name}=mine"]
