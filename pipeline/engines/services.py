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

import yaml

from pipeline.config import Config
from pipeline.engines.checks import THIS_MACHINE, host_of
from pipeline.errors import StepFailed, UsageError

EMBEDDED_FLINK = {
    "taskmanager.memory.network.min": "512m",
    "taskmanager.memory.network.max": "512m",
    "taskmanager.network.sort-shuffle.min-buffers": 32,
}
START_S = 60.0
STOP_S = 10.0


@contextlib.contextmanager
def services(config: Config) -> Iterator[None]:
    """Starts what the engine of the config needs, waits until it answers, and ends it on leaving.

    Raises:
        UsageError: a port is taken.
        StepFailed: a service did not come up.
    """
    with contextlib.ExitStack() as running:
        if config.engine.name == "flink" and config.engines.flink.master.startswith("["):
            running.enter_context(_configured_embedded_flink())
        for endpoint, module, flag in _needed(config):
            running.enter_context(_service(endpoint, [sys.executable, "-m", module, flag.format(port_of(endpoint))]))
        yield


@contextlib.contextmanager
def _configured_embedded_flink() -> Iterator[None]:
    """While entered, a Flink inside the job server is given more network memory, unless the user configures it.

    By default it has 64 MB, which the graphs of Transform and Evaluator, with hundreds of exchanges, use up.
    """
    if "FLINK_CONF_DIR" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="flink-conf-") as folder:
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(EMBEDDED_FLINK, width=10_000), encoding="utf-8")
        os.environ["FLINK_CONF_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["FLINK_CONF_DIR"]


def _needed(config: Config) -> Iterator[tuple[str, str, str]]:
    """Endpoint, Python module and port argument of each service."""
    pool = ("pipeline.engines.worker_pool", "--service_port={}")
    engines = config.engines
    if config.engine.name == "portable" and engines.portable.start:
        yield engines.portable.job_endpoint, "apache_beam.runners.portability.local_job_service_main", "--port={}"
        yield engines.portable.worker_endpoint, *pool
    if config.engine.name in ("flink", "spark"):
        settings = engines.flink if config.engine.name == "flink" else engines.spark
        endpoint = settings.worker_endpoint
        if endpoint and settings.start_workers and host_of(endpoint) in THIS_MACHINE:
            yield endpoint, *pool


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
