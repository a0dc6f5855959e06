"""Beam's arguments for each engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from flightline.config.engines import EngineName
from flightline.config.settings import Config
from flightline.errors import ConfigError
from flightline.utils.storage import absolute_location

RunnerName = Literal["local", "beam"]

# By default Beam's DirectRunner tries to download its Prism binary for every pipeline; and without a container image
# each Beam component builds an sdist of TFX for remote workers, although there are none.
NO_SDIST_ARGUMENT = "--sdk_container_image=local"
LOCAL_ARGUMENTS = ("--runner=FnApiRunner", "--direct_running_mode=in_memory", NO_SDIST_ARGUMENT)
WORKER_CACHE_MS = 10_000  # keeps an SDK worker for Spark's next task, which would otherwise start its own
JOB_SERVER_DIR = Path(".cache/engines")  # where `make flink` and `make spark` put the job servers


def beam_arguments(config: Config) -> list[str]:
    """Return the arguments for the components' Beam pipelines on the config's engine."""
    return [*_ARGUMENTS_BY_ENGINE[config.engine.name](config), *config.engines.beam_arguments]


def resolve_input_base(config: Config) -> str:
    """Return `data.input` for the engine's workers, whose working directory may be another one."""
    return config.data.input if config.engine.name == "local" else absolute_location(config.data.input)


def find_job_server_jar(engine: Literal["flink", "spark"], configured: Path | None) -> Path:
    """Return the jar of Beam's job server for an engine: the configured one, or the one that make fetched.

    Raises:
        ConfigError: there is no jar.
    """
    if configured is not None:
        if not configured.is_file():
            raise ConfigError(
                f"engines.{engine}.job_server_jar: there is no {configured}", f"`make {engine}` fetches one"
            )
        return configured.resolve()
    found = sorted(JOB_SERVER_DIR.glob(f"beam-runners-{engine}-*job-server-*.jar"))
    if not found:
        raise ConfigError(
            f"--engine {engine} needs Beam's job server, and {JOB_SERVER_DIR} has none",
            f"`make {engine}-setup` fetches it, or set yours with --set engines.{engine}.job_server_jar=PATH",
        )
    return found[-1].resolve()


def _multiprocess_arguments(config: Config) -> list[str]:
    workers = config.engines.multiprocess.workers
    return [
        "--runner=FnApiRunner",
        "--direct_running_mode=multi_processing",
        f"--direct_num_workers={workers}",
        NO_SDIST_ARGUMENT,
    ]


def _portable_arguments(config: Config) -> list[str]:
    settings = config.engines.portable
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.job_endpoint}",
        *_worker_arguments(settings.worker_endpoint, None),
    ]


def _flink_arguments(config: Config) -> list[str]:
    settings = config.engines.flink
    return [
        "--runner=PortableRunner",  # FlinkRunner would start another job server for every pipeline
        f"--job_endpoint={settings.job_endpoint}",
        f"--parallelism={settings.parallelism}",
        *_worker_arguments(settings.worker_endpoint, settings.image),
    ]


def _spark_arguments(config: Config) -> list[str]:
    settings = config.engines.spark
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.job_endpoint}",
        f"--environment_cache_millis={WORKER_CACHE_MS}",
        *_worker_arguments(settings.worker_endpoint, settings.image),
    ]


def _worker_arguments(endpoint: str | None, image: str | None) -> list[str]:
    """Return the environment of SDK workers: a container, a running pool, or this process."""
    if image:
        return ["--environment_type=DOCKER", f"--environment_config={image}", f"--sdk_container_image={image}"]
    if endpoint:
        return ["--environment_type=EXTERNAL", f"--environment_config={endpoint}", NO_SDIST_ARGUMENT]
    return ["--environment_type=LOOPBACK", NO_SDIST_ARGUMENT]


def _dataflow_arguments(config: Config) -> list[str]:
    settings = config.engines.dataflow
    arguments = {
        "project": settings.project,
        "region": settings.region,
        "temp_location": f"{settings.bucket}/temp",
        "staging_location": f"{settings.bucket}/staging",
        "sdk_container_image": settings.image,
        "setup_file": settings.setup_file and settings.setup_file.resolve(),  # Beam changes to its folder
        "service_account_email": settings.service_account,
        "machine_type": settings.machine_type,
        "num_workers": settings.num_workers,
        "max_num_workers": settings.max_workers,
        "dataflow_endpoint": settings.endpoint,
    }
    named = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    packages = [f"--extra_package={path.resolve()}" for path in settings.extra_packages]
    labels = [f"--labels={key}={value}" for key, value in sorted(settings.labels.items())]
    return ["--runner=DataflowRunner", *named, *packages, *labels, "--no_save_main_session"]


_ARGUMENTS_BY_ENGINE: dict[EngineName, Callable[[Config], list[str]]] = {
    "local": lambda _: list(LOCAL_ARGUMENTS),
    "multiprocess": _multiprocess_arguments,
    "portable": _portable_arguments,
    "flink": _flink_arguments,
    "spark": _spark_arguments,
    "dataflow": _dataflow_arguments,
}
