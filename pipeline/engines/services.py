"""What an engine needs running on this machine for the length of a run: Beam's job service, a pool of SDK workers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.config import Config
from pipeline.engines.checks import THIS_MACHINE, host_of
from pipeline.engines.job_servers import flink_job_server, spark_job_server
from pipeline.errors import StepFailed, UsageError

START_S = 60.0
STOP_S = 10.0


@contextlib.contextmanager
def services(config: Config) -> Iterator[None]:
    """Starts what the engine of the config needs, waits until it answers, and ends it on leaving.

    Raises:
        UsageError: a port is taken.
        StepFailed: a service did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="services-") as folder, contextlib.ExitStack() as running:
        for endpoint, command in _needed(config, Path(folder)):
            running.enter_context(_service(endpoint, command))
        yield


def _needed(config: Config, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Endpoint and command of each service; `folder` is there as long as they are."""
    engines = config.engines
    if config.engine.name == "portable" and engines.portable.start:
        job_service = "apache_beam.runners.portability.local_job_service_main"
        endpoint = engines.portable.job_endpoint
        yield endpoint, [sys.executable, "-m", job_service, f"--port={port_of(endpoint)}"]
        yield _pool(engines.portable.worker_endpoint)
    if config.engine.name == "flink":
        yield engines.flink.job_endpoint, flink_job_server(config, folder)
    if config.engine.name == "spark":
        yield engines.spark.job_endpoint, spark_job_server(config, folder)
    if config.engine.name in ("flink", "spark"):
        settings = engines.flink if config.engine.name == "flink" else engines.spark
        endpoint = settings.worker_endpoint or ""
        if endpoint and settings.start_workers and host_of(endpoint) in THIS_MACHINE:
            yield _pool(endpoint)


def _pool(endpoint: str) -> tuple[str, list[str]]:
    return endpoint, [sys.executable, "-m", "pipeline.engines.worker_pool", f"--service_port={port_of(endpoint)}"]


@contextlib.contextmanager
def _service(endpoint: str, command: Sequence[str]) -> Iterator[None]:
    """A process that listens at `endpoint` of this machine, with its children, while entered."""
    if _answers(endpoint):
        raise UsageError(
            f"{endpoint} is taken: {command[2]} cannot be started there",
            "end what listens there, name another port in the section of the engine, or set its `start` to false",
        )
    # The interpreter's folder first: workers are started as `python`, and have to be ours.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True)
    try:
        _wait(endpoint, process, command)
        yield
    finally:
        _end(process)


def _wait(endpoint: str, process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    until = time.monotonic() + START_S
    while not _answers(endpoint):
        if process.poll() is not None or time.monotonic() > until:
            how = "took too long" if process.returncode is None else f"ended with {process.returncode}"
            raise StepFailed(f"{command[2]} did not come up at {endpoint}: it {how}", "the log has what it said")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a service and the workers that it started."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, order)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            if order is signal.SIGKILL:
                return


def _answers(endpoint: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host_of(endpoint).strip("[]"), port_of(endpoint)), 1):
        return True
    return False


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])
