"""Commands of Beam's job servers for Flink and Spark: one server for a whole run.

By default Beam starts a JVM for every pipeline, which takes fifteen CPU seconds each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from flightline.config.engines import FlinkSettings, SparkSettings
from flightline.config.settings import Config
from flightline.engines.arguments import find_job_server_jar
from flightline.engines.validation import LOCAL_HOSTS, parse_host

# The Flink inside the job server has 64 MB of network memory by default: too little for the hundreds of exchanges in
# the graphs of Transform and Evaluator.
EMBEDDED_FLINK_CONFIG = {
    "taskmanager.memory.network.min": "512m",
    "taskmanager.memory.network.max": "512m",
    "taskmanager.network.sort-shuffle.min-buffers": 32,
}
# Spark's own scripts open these packages to it on Java 17.
SPARK_ADD_OPENS = (
    "java.io",
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
)


def flink_job_server_command(config: Config, folder: Path) -> list[str]:
    """Return the command of Flink's job server; `folder` must exist as long as the server runs."""
    settings = config.engines.flink
    master = [f"--flink-master={settings.master}"]
    if settings.master.startswith("[") and "FLINK_CONF_DIR" not in os.environ:
        (folder / "config.yaml").write_text(yaml.safe_dump(EMBEDDED_FLINK_CONFIG), encoding="utf-8")
        master.append(f"--flink-conf-dir={folder}")
    return [
        *_java_command(),
        "-jar",
        str(find_job_server_jar("flink", settings.job_server_jar)),
        *_listen_arguments(settings, folder),
        *master,
    ]


def spark_job_server_command(config: Config, folder: Path) -> list[str]:
    """Return the command of Spark's job server, which contains Spark's driver.

    `folder` must exist as long as the server runs."""
    settings = config.engines.spark
    jar = find_job_server_jar("spark", settings.job_server_jar)
    properties = {**_spark_properties(settings.master, jar, folder), **settings.properties}
    options = [
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in SPARK_ADD_OPENS),
        *(f"-D{name}={value}" for name, value in properties.items()),
    ]
    return [
        *_java_command(options),
        "-jar",
        str(jar),
        *_listen_arguments(settings, folder),
        f"--spark-master-url={settings.master}",
    ]


def _java_command(options: Iterable[str] = ()) -> list[str]:
    home = os.environ.get("JAVA_HOME")
    return [f"{home}/bin/java" if home else "java", *options]


def _listen_arguments(settings: FlinkSettings | SparkSettings, folder: Path) -> list[str]:
    """Return the arguments for the job server's ports and its folder of staged files."""
    host, _, port = settings.job_endpoint.rpartition(":")
    ports = [f"--job-port={port}", "--artifact-port=0", "--expansion-port=-1"]
    return [f"--job-host={host}", *ports, f"--artifacts-dir={folder / 'artifacts'}"]


def _spark_properties(master: str, jar: Path, folder: Path) -> dict[str, str]:
    """Return Spark's properties: no web page per pipeline, temporary files in `folder`, and only warnings in the log.

    For a master on this machine also: listen on the loopback address only, and put Beam's classes before Spark's on the
    executors. Otherwise Spark's old Guava keeps Beam's GCS file system from loading, and every executor's first task
    fails (Spark retries it).
    """
    properties = {
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder / "spark"),
        "org.slf4j.simpleLogger.log.org.apache.spark": "warn",
    }
    if master.startswith("local") or parse_host(master.removeprefix("spark://")) in LOCAL_HOSTS:
        properties |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.extraClassPath": str(jar),
        }
    return properties
