"""A cluster on this machine's loopback, made of processes of ours, for as long as it is entered."""

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
        master: what an engine's `master` is set to, to use it.
        page: host:port of the coordinator's page, which answers over REST too.
        folder: its configuration, and the logs of its processes.
        workers: their processes, in the order they were started.
    """

    engine: str

    def __init__(self, home: Path, folder: Path, master: str, page_port: int) -> None:
        """`home` is the engine as it was unpacked."""
        self.home = home
        self.folder = folder.resolve()
        self.master = master
        self.page = f"{LOOPBACK}:{page_port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.coordinator: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def start(self, workers: int = 2) -> None:
        """Starts it and waits until every worker has registered.

        Raises:
            RuntimeError: one of its processes ended, or it took longer than a minute; the message names the logs.
        """

    @abc.abstractmethod
    def registered(self) -> int:
        """How many workers the coordinator knows; -1 as long as it does not answer."""

    def stop(self) -> None:
        """Ends what was started, and waits until it has ended."""
        for process in self._processes():
            process.terminate()
        for process in self._processes():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait(self) -> None:
        """Waits until the coordinator ends by itself."""
        if self.coordinator:
            self.coordinator.wait()

    def wait_for(self, workers: int) -> None:
        """Waits until so many workers have registered. Raises RuntimeError as `start` does."""
        until = time.monotonic() + START_TIMEOUT_S
        while self.registered() < workers:
            if any(process.poll() is not None for process in self._processes()) or time.monotonic() > until:
                logs = self.folder / "log"
                raise RuntimeError(f"the {self.engine} cluster at {self.master} did not come up; its logs: {logs}")
            time.sleep(0.3)

    def ask(self, path: str) -> Any:
        """What the coordinator answers over REST. Raises OSError where it does not."""
        with urllib.request.urlopen(f"http://{self.page}/{path}", timeout=5) as answer:
            return json.load(answer)

    def launch(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Starts one of its processes. The engines' scripts replace themselves by the JVM that is the service."""
        logs = self.folder / "log"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.out").open("ab") as out:
            return subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run; the cluster is ended after it
            )

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [*self.workers, *([self.coordinator] if self.coordinator else [])]


ClusterT = TypeVar("ClusterT", bound=Cluster)


@contextlib.contextmanager
def running_cluster(cluster: ClusterT) -> Iterator[ClusterT]:
    """The cluster, started; its logs stay."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
