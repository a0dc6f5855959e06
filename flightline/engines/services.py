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

from flightline.config.settings import Config
from flightline.engines.job_servers import flink_job_server_command, spark_job_server_command
from flightline.engines.validation import LOCAL_HOSTS, parse_host
from flightline.errors import StepFailed, UsageError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


@contextlib.contextmanager
def run_services(config: Config) -> Iterator[None]:
    """Starts what the engine of the config needs, waits until it answers, and ends it on leaving.

    Raises:
        UsageError: a port is taken.
        StepFailed: a service did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="services-") as folder, contextlib.ExitStack() as running:
        for endpoint, command in _required_services(config, Path(folder)):
            running.enter_context(_run_service(endpoint, command))
        yield


def _required_services(config: Config, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Endpoint and command of each service; `folder` is there as long as they are."""
    engines = config.engines
    if config.engine.name == "portable" and engines.portable.start_services:
        job_service = "apache_beam.runners.portability.local_job_service_main"
        endpoint = engines.portable.job_endpoint
        yield endpoint, [sys.executable, "-m", job_service, f"--port={parse_port(endpoint)}"]
        yield _worker_pool_command(engines.portable.worker_endpoint)
    if config.engine.name == "flink":
        yield engines.flink.job_endpoint, flink_job_server_command(config, folder)
    if config.engine.name == "spark":
        yield engines.spark.job_endpoint, spark_job_server_command(config, folder)
    if config.engine.name in ("flink", "spark"):
        settings = engines.flink if config.engine.name == "flink" else engines.spark
        endpoint = settings.worker_endpoint or ""
        if endpoint and settings.start_workers and parse_host(endpoint) in LOCAL_HOSTS:
            yield _worker_pool_command(endpoint)


def _worker_pool_command(endpoint: str) -> tuple[str, list[str]]:
    return endpoint, [sys.executable, "-m", "flightline.engines.worker_pool", f"--service_port={parse_port(endpoint)}"]


@contextlib.contextmanager
def _run_service(endpoint: str, command: Sequence[str]) -> Iterator[None]:
    """A process that listens at `endpoint` of this machine, with its children, while entered."""
    if _is_listening(endpoint):
        raise UsageError(
            f"{endpoint} is taken: {command[2]} cannot be started there",
            "end what listens there, name another port in the section of the engine, or set its `start` to false",
        )
    # The interpreter's folder first: workers are started as `python`, and have to be ours.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True)
    try:
        _wait_until_listening(endpoint, process, command)
        yield
    finally:
        _stop_process(process)


def _wait_until_listening(endpoint: str, process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while not _is_listening(endpoint):
        if process.poll() is not None or time.monotonic() > until:
            how = "took too long" if process.returncode is None else f"ended with {process.returncode}"
            raise StepFailed(f"{command[2]} did not come up at {endpoint}: it {how}", "the log has what it said")
        time.sleep(0.1)


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ends a service and the workers that it started."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, order)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
            if order is signal.SIGKILL:
                return


def _is_listening(endpoint: str) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.create_connection((parse_host(endpoint).strip("[]"), parse_port(endpoint)), 1),
    ):
        return True
    return False


def parse_port(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])
