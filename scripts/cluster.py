"""A cluster of processes on this machine's loopback, which runs for the length of a `with` block."""

from __future__ import annotations

import abc
import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S, STOP_TIMEOUT_S = 60.0, 10.0


class Cluster(abc.ABC):
    """One coordinator and its workers.

    Attributes:
        engine: its name as the config has it.
        master: the value of the engine's `master` in the config.
        page: host:port of the coordinator's web page and REST API.
        folder: its configuration, and the logs of its processes.
        workers: their processes, in the order they were started.
    """

    engine: str

    def __init__(self, home: Path, folder: Path, master: str, page_port: int) -> None:
        """`home` is the folder of the unpacked engine."""
        self.home = home
        self.folder = folder.resolve()
        self.master = master
        self.page = f"{LOOPBACK}:{page_port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.coordinator: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def start(self, workers: int = 2) -> None:
        """Start it and wait until every worker has registered.

        Raises:
            RuntimeError: one of its processes ended, or it took longer than a minute; the message names the logs.
        """

    @abc.abstractmethod
    def registered(self) -> int:
        """The number of registered workers; -1 while the coordinator does not answer."""

    def stop(self) -> None:
        """Stop all processes and wait until they have ended."""
        for process in self._processes():
            process.terminate()
        for process in self._processes():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_until_stopped(self) -> None:
        """Wait until the coordinator ends by itself."""
        if self.coordinator:
            self.coordinator.wait()

    def wait_for(self, workers: int) -> None:
        """Wait until this many workers have registered. Raises RuntimeError as `start` does."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.registered() < workers:
            if any(process.poll() is not None for process in self._processes()) or time.monotonic() > deadline:
                logs = self.folder / "log"
                raise RuntimeError(f"the {self.engine} cluster at {self.master} did not start; its logs: {logs}")
            time.sleep(0.3)

    def get_json(self, path: str) -> Any:
        """A document of the coordinator's REST API. Raises OSError if it does not answer."""
        with urllib.request.urlopen(f"http://{self.page}/{path}", timeout=5) as answer:
            return json.load(answer)

    def launch(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start one of its processes. The engines' scripts replace themselves with the JVM of the service."""
        logs = self.folder / "log"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.out").open("ab") as out:
            return subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C stops the run; the cluster is stopped after it
            )

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [*self.workers, *([self.coordinator] if self.coordinator else [])]


ClusterT = TypeVar("ClusterT", bound=Cluster)


@contextlib.contextmanager
def running_cluster(cluster: ClusterT) -> Iterator[ClusterT]:
    """Run the cluster for the length of the block; its logs are kept."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
