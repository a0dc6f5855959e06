"""Beam's job server for Spark as a command. Spark's driver runs inside it, on a cluster as well as on its own."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config import Config
from pipeline.engines.arguments import job_server_jar
from pipeline.engines.checks import THIS_MACHINE, host_of

# What Spark's own scripts give its processes on Java 17, whose modules are closed to it otherwise.
OPENED = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
)


def spark_job_server(config: Config, folder: Path) -> list[str]:
    """Serves a whole run; `folder` is there as long as it does."""
    settings = config.engines.spark
    host, _, port = settings.job_endpoint.rpartition(":")
    home = os.environ.get("JAVA_HOME")
    given = {
        "spark-master-url": settings.master,
        "job-host": host,
        "job-port": port,
        "artifact-port": 0,
        "expansion-port": -1,
        "artifacts-dir": folder / "artifacts",
    }
    return [
        f"{home}/bin/java" if home else "java",
        *(f"--add-opens={module}=ALL-UNNAMED" for module in OPENED),
        *(f"-D{name}={value}" for name, value in _spark_settings(settings.master, folder).items()),
        *(f"-D{name}={value}" for name, value in settings.properties.items()),
        "-jar",
        str(job_server_jar("spark", settings.job_server_jar)),
        *(f"--{name}={value}" for name, value in given.items()),
    ]


def _spark_settings(master: str, folder: Path) -> dict[str, str]:
    """Properties of the driver: no web page, no files left behind, and on this machine alone where the cluster is."""
    properties = {"spark.ui.enabled": "false", "spark.local.dir": str(folder / "spark")}
    if master.startswith("local") or host_of(master.removeprefix("spark://")) in THIS_MACHINE:
        properties |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return properties
