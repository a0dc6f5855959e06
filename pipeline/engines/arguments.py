"""Beam's arguments for each engine."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from pipeline.config import Config
from pipeline.engines.settings import EngineName
from pipeline.errors import ConfigError
from pipeline.locations import absolute

RunnerName = Literal["local", "beam"]

# Left to itself, Beam's DirectRunner tries to download its Prism binary for every pipeline; and without a container
# image named, each Beam component copies TFX and builds an sdist of it for workers that there are none of.
NO_SDIST = "--sdk_container_image=local"
LOCAL = ("--runner=FnApiRunner", "--direct_running_mode=in_memory", NO_SDIST)
KEPT_MS = 10_000  # Spark's tasks come one after another, and each would start an SDK worker of its own and end it
ENGINE_CACHE = Path(".cache/engines")  # what `make flink` and `make spark` fetch


def beam_arguments(config: Config) -> list[str]:
    """Arguments for the Beam pipelines of components, on the engine of the config."""
    return [*_ARGUMENTS[config.engine.name](config), *config.engines.beam_arguments]


def input_base(config: Config) -> str:
    """`data.input` as the engine's workers have to name it; their working directory is not ours."""
    return config.data.input if config.engine.name == "local" else absolute(config.data.input)


@contextlib.contextmanager
def beam_reads_these_arguments() -> Iterator[None]:
    """While entered, a Beam pipeline made without options gets ours.

    BeamDagRunner orchestrates on such a pipeline, and Beam then reads the options from the command line, as TFX's
    executors do for their extra flags: ours are for the runner, not for them.
    """
    before = sys.argv
    sys.argv = [before[0], *LOCAL]
    try:
        yield
    finally:
        sys.argv = before


def job_server_jar(engine: Literal["flink", "spark"], asked: Path | None) -> Path:
    """Beam's job server for an engine: the jar that was asked for, or the one that make fetched.

    Raises:
        ConfigError: there is none.
    """
    if asked is not None:
        if not asked.is_file():
            raise ConfigError(f"engines.{engine}.job_server_jar: there is no {asked}", f"`make {engine}` fetches one")
        return asked.resolve()
    found = sorted(ENGINE_CACHE.glob(f"beam-runners-{engine}-*job-server-*.jar"))
    if not found:
        raise ConfigError(
            f"--engine {engine} needs Beam's job server, and {ENGINE_CACHE} has none",
            f"`make {engine}-setup` fetches it, or name yours with --set engines.{engine}.job_server_jar=PATH",
        )
    return found[-1].resolve()


def _multiprocess(config: Config) -> list[str]:
    workers = config.engines.multiprocess.workers
    return [
        "--runner=FnApiRunner",
        "--direct_running_mode=multi_processing",
        f"--direct_num_workers={workers}",
        NO_SDIST,
    ]


def _portable(config: Config) -> list[str]:
    settings = config.engines.portable
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.job_endpoint}",
        *_workers(settings.worker_endpoint, None),
    ]


def _flink(config: Config) -> list[str]:
    settings = config.engines.flink
    return [
        "--runner=PortableRunner",  # FlinkRunner is this one with a job server of its own for every pipeline
        f"--job_endpoint={settings.job_endpoint}",
        f"--parallelism={settings.parallelism}",
        *_workers(settings.worker_endpoint, settings.image),
    ]


def _spark(config: Config) -> list[str]:
    settings = config.engines.spark
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.job_endpoint}",
        f"--environment_cache_millis={KEPT_MS}",
        *_workers(settings.worker_endpoint, settings.image),
    ]


def _workers(endpoint: str | None, image: str | None) -> list[str]:
    """The environment of SDK workers: a container, a pool that is there, or this process."""
    if image:
        return ["--environment_type=DOCKER", f"--environment_config={image}", f"--sdk_container_image={image}"]
    if endpoint:
        return ["--environment_type=EXTERNAL", f"--environment_config={endpoint}", NO_SDIST]
    return ["--environment_type=LOOPBACK", NO_SDIST]


def _dataflow(config: Config) -> list[str]:
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
    labels = [f"--labels={key}={value}" for key, value in sorted(settings.labels.items())]
    return ["--runner=DataflowRunner", *given, *labels, "--no_save_main_session"]


_ARGUMENTS: dict[EngineName, Callable[[Config], list[str]]] = {
    "local": lambda _: list(LOCAL),
    "multiprocess": _multiprocess,
    "portable": _portable,
    "flink": _flink,
    "spark": _spark,
    "dataflow": _dataflow,
}
