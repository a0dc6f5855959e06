"""A Spark cluster on this machine's loopback: a standalone master and its workers."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

from scripts.cluster import LOOPBACK, Cluster

WORKER_CORES, WORKER_MEMORY = 1, "1200m"  # a worker; an executor takes 1 GB of it by default

# An executor has a copy of the job server's jar, 300 MB, in a folder of its application, of which a run makes a dozen.
WORKER_SETTINGS = {
    "spark.worker.cleanup.enabled": "true",
    "spark.worker.cleanup.interval": "15",
    "spark.worker.cleanup.appDataTtl": "15",
}


class SparkCluster(Cluster):
    """One master and its workers, as child processes; `folder` also holds the workers' files of applications."""

    engine = "spark"

    def __init__(self, home: Path, folder: Path, port: int, page_port: int) -> None:
        """`home` is an unpacked PySpark; the ports have to be free."""
        super().__init__(home, folder, f"spark://{LOOPBACK}:{port}", page_port)
        self._ports = ("--port", str(port), "--webui-port", str(page_port))

    def start(self, workers: int = 2) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.coordinator = self._launch("master", "Master", "--host", LOOPBACK, *self._ports)
        self.wait_for(0)  # a worker that finds no master waits some seconds before it tries again
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            resources = ("--cores", str(WORKER_CORES), "--memory", WORKER_MEMORY, "--work-dir", str(self.folder / name))
            options = ("--host", LOOPBACK, "--webui-port", "0", self.master)
            self.workers.append(self._launch(name, "Worker", *resources, *options))
        self.wait_for(workers)

    def registered(self) -> int:
        with contextlib.suppress(OSError):
            return self.get_json("json/")["aliveworkers"]
        return -1

    def applications(self) -> list[dict[str, Any]]:
        """The applications that have ended, one a Beam pipeline: `id`, `name`, `state`, `starttime` in ms."""
        return self.get_json("json/")["completedapps"]

    def _launch(self, name: str, service: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_LOCAL_DIRS": str(self.folder / "tmp"),
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_WORKER_OPTS": " ".join(f"-D{key}={value}" for key, value in WORKER_SETTINGS.items()),
        }
        main = f"org.apache.spark.deploy.{service.lower()}.{service}"
        return self.launch(name, [str(self.home / "bin" / "spark-class"), main, *arguments], environment)
