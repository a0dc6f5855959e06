"""A Spark cluster on this machine's loopback: a standalone master and workers, for as long as it is entered."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
CORES, MEMORY = 1, "1200m"  # a worker; an executor takes 1 GB of it unless told otherwise
START_S, STOP_S = 60.0, 10.0

# An executor has a copy of the job server's jar, 300 MB, in the folder of its application, of which a run makes dozens.
WORKER_SETTINGS = {
    "spark.worker.cleanup.enabled": "true",
    "spark.worker.cleanup.interval": "15",
    "spark.worker.cleanup.appDataTtl": "15",
}


class SparkCluster:
    """One master and its workers, as processes of ours.

    Attributes:
        master: spark://host:port, which applications are submitted to.
        page: host:port of the master's page.
        folder: the logs, and what the workers keep of applications.
        workers: their processes, in the order they were started.
    """

    def __init__(self, home: Path, folder: Path, port: int, page_port: int) -> None:
        """`home` is an unpacked PySpark; the ports have to be free."""
        self.master = f"spark://{LOOPBACK}:{port}"
        self.page = f"{LOOPBACK}:{page_port}"
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._home = home
        self._ports = (port, page_port)
        self._master: subprocess.Popen[bytes] | None = None

    def start(self, workers: int = 2) -> None:
        """Starts it and waits until every worker has registered.

        Raises:
            RuntimeError: one of its processes ended, or it took longer than a minute; the message names the logs.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "log").mkdir(parents=True)
        port, page_port = self._ports
        ports = ("--port", str(port), "--webui-port", str(page_port))
        self._master = self._launch("master", "org.apache.spark.deploy.master.Master", "--host", LOOPBACK, *ports)
        self._wait_for(0)  # a worker that finds no master waits some seconds before it asks again
        for _ in range(workers):
            self.add_worker()
        self._wait_for(workers)

    def add_worker(self) -> None:
        name = f"worker-{len(self.workers) + 1}"
        resources = ("--cores", str(CORES), "--memory", MEMORY, "--work-dir", str(self.folder / name))
        where = ("--host", LOOPBACK, "--webui-port", "0")
        self.workers.append(
            self._launch(name, "org.apache.spark.deploy.worker.Worker", *where, *resources, self.master)
        )

    def stop(self) -> None:
        """Ends what was started, and waits until it has ended."""
        for process in self._processes():
            process.terminate()
        for process in self._processes():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait(self) -> None:
        """Waits until the master ends by itself."""
        if self._master:
            self._master.wait()

    def registered(self) -> int:
        """How many workers the master knows to be alive; -1 as long as it does not answer."""
        with contextlib.suppress(OSError):
            return self.ask()["aliveworkers"]
        return -1

    def applications(self) -> list[dict[str, Any]]:
        """The applications that have ended: one for each Beam pipeline, with its `id`, `name`, `state`, `cores`."""
        return self.ask()["completedapps"]

    def ask(self) -> dict[str, Any]:
        """What the master's page knows. Raises OSError where it does not answer."""
        with urllib.request.urlopen(f"http://{self.page}/json/", timeout=5) as answer:
            return json.load(answer)

    def _wait_for(self, workers: int) -> None:
        until = time.monotonic() + START_S
        while self.registered() < workers:
            if any(process.poll() is not None for process in self._processes()) or time.monotonic() > until:
                raise RuntimeError(f"the Spark cluster at {self.master} did not come up; its logs: {self.folder}/log")
            time.sleep(0.3)

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [*self.workers, *([self._master] if self._master else [])]

    def _launch(self, name: str, service: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Spark's script replaces itself by the JVM, so that the process is the service."""
        environment = {
            **os.environ,
            "SPARK_HOME": str(self._home),
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_LOCAL_DIRS": str(self.folder / "tmp"),
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_WORKER_OPTS": " ".join(f"-D{name}={value}" for name, value in WORKER_SETTINGS.items()),
        }
        with (self.folder / "log" / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [str(self._home / "bin" / "spark-class"), service, *arguments],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run; the cluster is ended after it
            )


@contextlib.contextmanager
def spark_cluster(home: Path, port: int, page_port: int, folder: Path | None = None) -> Iterator[SparkCluster]:
    """A running cluster; its logs stay where `folder` is given."""
    with tempfile.TemporaryDirectory(prefix="spark-") as temporary:
        cluster = SparkCluster(home, (folder or Path(temporary) / "cluster").resolve(), port, page_port)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
