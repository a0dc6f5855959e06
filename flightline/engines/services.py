"""Start the services that an engine needs on this machine during a run: Beam's job service, a pool of SDK workers."""

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
    """While entered, run the services that the config's engine needs; yield when they accept connections.

    Raises:
        UsageError: a port is in use.
        StepFailed: a service did not start.
    """
    with tempfile.TemporaryDirectory(prefix="services-") as folder, contextlib.ExitStack() as running:
        for endpoint, command in _required_services(config, Path(folder)):
            running.enter_context(_run_service(endpoint, command))
        yield


def _required_services(config: Config, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield endpoint and command of each service; `folder` exists as long as they run."""
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
    """While entered, run a process that listens at `endpoint` of this machine."""
    if _is_listening(endpoint):
        raise UsageError(
            f"{endpoint} is in use: {command[2]} cannot be started there",
            "stop the process that listens there, or configure another port for the engine",
        )
    # The interpreter's folder comes first: workers are started as `python`, and need this environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True)
    try:
        _wait_until_listening(endpoint, process, command)
        yield
    finally:
        _stop_process(process)


def _wait_until_listening(endpoint: str, process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _is_listening(endpoint):
        if process.poll() is not None or time.monotonic() > deadline:
            cause = "took too long" if process.returncode is None else f"ended with exit code {process.returncode}"
            raise StepFailed(f"{command[2]} did not start at {endpoint}: it {cause}", "see the log for its output")
        time.sleep(0.1)


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    """Stop a service and the workers that it started."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
            if signal_number is signal.SIGKILL:
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
