from pathlib import Path

import pytest

from flightline.config.loader import load_config

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "flights.yaml"


@pytest.fixture
def config_of(tmp_path):
    """`config_of("engine.name=flink", ...)` → a config of the flights with these settings."""
    jar = tmp_path / "job-server.jar"
    jar.touch()

    def load(*overrides):
        jars = [f"engines.{engine}.job_server_jar={jar}" for engine in ("flink", "spark")]
        return load_config(CONFIG, [*jars, *overrides])

    return load
