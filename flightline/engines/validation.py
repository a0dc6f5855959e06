"""Check an engine's configuration before anything starts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from flightline.config.engines import DataflowSettings, EngineName, FlinkSettings, SparkSettings
from flightline.config.settings import Config
from flightline.engines.arguments import find_job_server_jar
from flightline.errors import ConfigError
from flightline.utils.storage import is_uri

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
# The form of a bucket's name; Cloud Storage has more rules.
BUCKET_PATTERN = re.compile(r"^gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?$")
LABEL_PATTERN = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")
PROJECT_PATTERN = re.compile(r"^[a-z][-a-z0-9:.]{4,61}[a-z0-9]$")


def check_engine(config: Config) -> None:
    """Check everything that would otherwise fail later, on machines that cost money.

    Raises:
        ConfigError: an option is missing, or does not work with the engine.
    """
    _CHECK_BY_ENGINE[config.engine.name](config)
    if not runs_on_this_machine(config):
        _require_shared_paths(config)


def runs_on_this_machine(config: Config) -> bool:
    """Whether all workers of the engine see this machine's files."""
    engines = config.engines
    if config.engine.name == "dataflow":
        return False
    masters = {"flink": engines.flink.master, "spark": engines.spark.master.removeprefix("spark://")}
    if config.engine.name == "portable":
        hosts = {parse_host(engines.portable.job_endpoint), parse_host(engines.portable.worker_endpoint)}
        return hosts <= LOCAL_HOSTS
    master = masters.get(config.engine.name, "[local]")
    return "local" in master.split(":")[0] or parse_host(master) in LOCAL_HOSTS


def _check_portable(config: Config) -> None:
    settings = config.engines.portable
    for key in ("job_endpoint", "worker_endpoint"):
        endpoint = getattr(settings, key)
        if settings.start_services and parse_host(endpoint) not in LOCAL_HOSTS:
            raise ConfigError(
                f"engines.portable.{key}: {endpoint} is another machine, and services can only be started on this one",
                "set engines.portable.start_services=false if the service runs there, or use localhost",
            )


def _check_flink(config: Config) -> None:
    _check_java_engine("flink", config.engines.flink)


def _check_spark(config: Config) -> None:
    _check_java_engine("spark", config.engines.spark)


def _check_java_engine(engine: Literal["flink", "spark"], settings: FlinkSettings | SparkSettings) -> None:
    if shutil.which("java") is None:
        raise ConfigError(f"--engine {engine} needs Java, and `java` is not on PATH", "install a JRE, version 17")
    if parse_host(settings.job_endpoint) not in LOCAL_HOSTS:
        raise ConfigError(
            f"engines.{engine}.job_endpoint: {settings.job_endpoint} must be on this machine, like the job server",
            f"use localhost; the cluster's address is engines.{engine}.master",
        )
    find_job_server_jar(engine, settings.job_server_jar)
    if settings.image and settings.worker_endpoint:
        raise ConfigError(f"engines.{engine}: image and worker_endpoint exclude each other", "remove one of them")
    master = settings.master.removeprefix("spark://")
    if (
        "local" not in master.split(":")[0]
        and parse_host(master) not in LOCAL_HOSTS
        and not (settings.image or settings.worker_endpoint)
    ):
        raise ConfigError(
            f"engines.{engine}: workers on {settings.master} need an image or a pool of SDK workers",
            f"set engines.{engine}.image or engines.{engine}.worker_endpoint",
        )


def _check_dataflow(config: Config) -> None:
    settings = config.engines.dataflow
    for key in ("project", "region", "bucket"):
        if not getattr(settings, key):
            raise ConfigError(f"engines.dataflow.{key} is missing", f"--set engines.dataflow.{key}=...")
    if not BUCKET_PATTERN.match(settings.bucket or ""):
        raise ConfigError(
            f"engines.dataflow.bucket: {settings.bucket} is not a bucket", "write it as gs://BUCKET or gs://BUCKET/PATH"
        )
    if not PROJECT_PATTERN.match(settings.project or ""):
        raise ConfigError(
            f"engines.dataflow.project: {settings.project} is not a project id", "copy the id from the Cloud console"
        )
    for text in (*settings.labels, *settings.labels.values()):
        if not LABEL_PATTERN.match(text):
            raise ConfigError(
                f"engines.dataflow.labels: {text!r} is not a label",
                "use a lower-case letter, then up to 62 lower-case letters, digits, `_` and `-`",
            )
    if settings.num_workers and settings.max_workers and settings.num_workers > settings.max_workers:
        raise ConfigError(
            f"engines.dataflow: num_workers {settings.num_workers} is more than max_workers {settings.max_workers}",
            "raise max_workers or lower num_workers",
        )
    _check_worker_code(settings)


def _check_worker_code(settings: DataflowSettings) -> None:
    if not settings.image and not settings.setup_file:
        raise ConfigError(
            "engines.dataflow: without an image, workers have neither this package nor its requirements",
            "set engines.dataflow.image (docker/Dockerfile makes one), or engines.dataflow.setup_file=./setup.py",
        )
    if settings.setup_file and not settings.setup_file.is_file():
        raise ConfigError(f"engines.dataflow.setup_file: there is no {settings.setup_file}", "usually it is ./setup.py")
    if settings.setup_file and settings.setup_file.name not in ("setup.py", "pyproject.toml"):
        raise ConfigError(
            f"engines.dataflow.setup_file: Beam does not accept {settings.setup_file.name}",
            "name a setup.py or pyproject.toml",
        )
    for path in settings.extra_packages:
        if not path.is_file():
            raise ConfigError(
                f"engines.dataflow.extra_packages: there is no {path}", "`make wheel` builds the library's wheel"
            )
    if settings.setup_file and not settings.extra_packages:
        raise ConfigError(
            "engines.dataflow.setup_file: workers need the library too, and no package index has it",
            "set engines.dataflow.extra_packages=[PATH], the library's wheel",
        )


def _require_shared_paths(config: Config) -> None:
    """Check that remote workers see every path that they read or write."""
    for key, location in (("data.input", config.data.input), ("pipeline_root", config.artifacts)):
        if is_uri(location):
            continue
        shared = [folder for folder in config.engines.shared_paths if Path(location).is_relative_to(folder)]
        if shared and config.engine.name != "dataflow":
            continue
        kind = "relative" if not Path(location).is_absolute() else "a path of this machine"
        raise ConfigError(
            f"{key}: {location} is {kind}, which the workers of --engine {config.engine.name} do not see",
            f"--set {key}=gs://..., or list folders that all workers mount in engines.shared_paths",
        )


def parse_host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0] or endpoint


_CHECK_BY_ENGINE: dict[EngineName, Callable[[Config], None]] = {
    "local": lambda _: None,
    "multiprocess": lambda _: None,
    "portable": _check_portable,
    "flink": _check_flink,
    "spark": _check_spark,
    "dataflow": _check_dataflow,
}
