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

# Left to itself, Beam's DirectRunner tries to download its Prism binary for every pipeline; and without a container
# image named, each Beam component copies TFX and builds an sdist of it for workers that there are none of.
NO_SDIST_ARGUMENT = "--sdk_container_image=local"
LOCAL_ARGUMENTS = ("--runner=FnApiRunner", "--direct_running_mode=in_memory", NO_SDIST_ARGUMENT)
WORKER_CACHE_MS = (
    10_000  # Spark's tasks come one after another, and each would start an SDK worker of its own and end it
)
JOB_SERVER_DIR = Path(".cache/engines")  # what `make flink` and `make spark` fetch


def beam_arguments(config: Config) -> list[str]:
    """Arguments for the Beam pipelines of components, on the engine of the config."""
    return [*_ARGUMENTS_BY_ENGINE[config.engine.name](config), *config.engines.beam_arguments]


def resolve_input_base(config: Config) -> str:
    """`data.input` as the engine's workers have to name it; their working directory is not ours."""
    return config.data.input if config.engine.name == "local" else absolute_location(config.data.input)


def find_job_server_jar(engine: Literal["flink", "spark"], configured: Path | None) -> Path:
    """Beam's job server for an engine: the jar that was asked for, or the one that make fetched.

    Raises:
        ConfigError: there is none.
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
            f"`make {engine}-setup` fetches it, or name yours with --set engines.{engine}.job_server_jar=PATH",
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
        "--runner=PortableRunner",  # FlinkRunner is this one with a job server of its own for every pipeline
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
    """The environment of SDK workers: a container, a pool that is there, or this process."""
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
        "setup_file": settings.setup_file and settings.setup_file.resolve(),  # Beam goes to its folder by name
        "service_account_email": settings.service_account,
        "machine_type": settings.machine_type,
        "num_workers": settings.num_workers,
        "max_num_workers": settings.max_workers,
        "dataflow_endpoint": settings.endpoint,
    }
    given = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    packages = [f"--extra_package={path.resolve()}" for path in settings.extra_packages]
    labels = [f"--labels={key}={value}" for key, value in sorted(settings.labels.items())]
    return ["--runner=DataflowRunner", *given, *packages, *labels, "--no_save_main_session"]


_ARGUMENTS_BY_ENGINE: dict[EngineName, Callable[[Config], list[str]]] = {
    "local": lambda _: list(LOCAL_ARGUMENTS),
    "multiprocess": _multiprocess_arguments,
    "portable": _portable_arguments,
    "flink": _flink_arguments,
    "spark": _spark_arguments,
    "dataflow": _dataflow_arguments,
}
