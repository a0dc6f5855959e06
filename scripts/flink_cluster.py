"""A Flink cluster on this machine's loopback: a JobManager and TaskManagers, for as long as it is entered."""

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

import yaml

LOOPBACK = "127.0.0.1"
SLOTS = 2  # a TaskManager
START_S, STOP_S = 60.0, 10.0

# Small enough for a laptop. A batch job that loses a TaskManager starts its lost part anew; the heartbeat is shortened,
# since the default would have it wait for a dead TaskManager for 50 seconds.
SETTINGS: dict[str, Any] = {
    "jobmanager.rpc.address": LOOPBACK,
    "jobmanager.bind-host": LOOPBACK,
    "jobmanager.memory.process.size": "1200m",
    "jobmanager.memory.jvm-metaspace.size": "400m",
    "rest.address": LOOPBACK,
    "rest.bind-address": LOOPBACK,
    "taskmanager.host": LOOPBACK,
    "taskmanager.bind-host": LOOPBACK,
    "taskmanager.numberOfTaskSlots": SLOTS,
    "taskmanager.memory.process.size": "2200m",
    "taskmanager.memory.jvm-metaspace.size": "400m",
    "taskmanager.memory.network.min": "384m",  # TFX's graphs have hundreds of exchanges, with buffers for each
    "taskmanager.memory.network.max": "384m",
    "taskmanager.network.sort-shuffle.min-buffers": 32,
    "taskmanager.load-balance.mode": "SLOTS",  # over all TaskManagers; by default the first is filled
    "parallelism.default": SLOTS,
    "restart-strategy.type": "exponential-delay",  # fixed-delay counts every task of a lost TaskManager as a failure
    "restart-strategy.exponential-delay.initial-backoff": "1 s",
    "restart-strategy.exponential-delay.max-backoff": "10 s",
    "restart-strategy.exponential-delay.backoff-multiplier": 2.0,
    "restart-strategy.exponential-delay.attempts-before-reset-backoff": 4,
    "heartbeat.interval": 2_000,
    "heartbeat.timeout": 10_000,
}


class FlinkCluster:
    """One JobManager and its TaskManagers, as processes of ours.

    Attributes:
        master: host:port of its REST endpoint, which jobs are submitted to.
        folder: its configuration and logs.
        taskmanagers: their processes, in the order they were started.
    """

    def __init__(self, home: Path, folder: Path, rest_port: int, rpc_port: int) -> None:
        """`home` is an unpacked Flink; the ports have to be free."""
        self.master = f"{LOOPBACK}:{rest_port}"
        self.folder = folder
        self.taskmanagers: list[subprocess.Popen[bytes]] = []
        self._home = home
        self._jobmanager: subprocess.Popen[bytes] | None = None
        self._settings = {**SETTINGS, "rest.port": rest_port, "jobmanager.rpc.port": rpc_port}

    def start(self, taskmanagers: int = 2) -> None:
        """Starts it and waits until every TaskManager has registered.

        Raises:
            RuntimeError: one of its processes ended, or it took longer than a minute; the message names the logs.
        """
        self._configure()
        self._jobmanager = self._launch("jobmanager")
        for _ in range(taskmanagers):
            self.taskmanagers.append(self._launch("taskmanager"))
        self._wait_for(taskmanagers)

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
        """Waits until the JobManager ends by itself."""
        if self._jobmanager:
            self._jobmanager.wait()

    def replace_taskmanager(self) -> None:
        """Starts one more TaskManager in place of one that has ended, and waits until it has registered."""
        self.taskmanagers = [process for process in self.taskmanagers if process.poll() is None]
        self.taskmanagers.append(self._launch("taskmanager"))
        self._wait_for(len(self.taskmanagers))

    def registered(self) -> int:
        """How many TaskManagers the JobManager knows; none as long as it does not answer."""
        with contextlib.suppress(OSError):
            return self.ask("overview")["taskmanagers"]
        return 0

    def jobs(self) -> list[dict[str, Any]]:
        """Every job so far, oldest first: its `jid`, `name`, `state`, `start-time` in milliseconds."""
        return sorted(self.ask("jobs/overview")["jobs"], key=lambda job: job["start-time"])

    def who_worked(self, job: str) -> set[str]:
        """The ids of the TaskManagers that a job's tasks ran on."""
        tasks = [vertex["id"] for vertex in self.ask(f"jobs/{job}")["vertices"]]
        subtasks = [subtask for task in tasks for subtask in self.ask(f"jobs/{job}/vertices/{task}")["subtasks"]]
        return {subtask["taskmanager-id"] for subtask in subtasks} - {"(unassigned)"}

    def ask(self, path: str) -> Any:
        """What the REST endpoint answers. Raises OSError where it does not."""
        with urllib.request.urlopen(f"http://{self.master}/{path}", timeout=5) as answer:
            return json.load(answer)

    def _wait_for(self, taskmanagers: int) -> None:
        until = time.monotonic() + START_S
        while self.registered() < taskmanagers:
            if any(process.poll() is not None for process in self._processes()) or time.monotonic() > until:
                raise RuntimeError(f"the Flink cluster at {self.master} did not come up; its logs: {self.folder}/log")
            time.sleep(0.3)

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [*self.taskmanagers, *([self._jobmanager] if self._jobmanager else [])]

    def _configure(self) -> None:
        conf = self.folder / "conf"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._home / "conf", conf)
        given = yaml.safe_load((conf / "config.yaml").read_text(encoding="utf-8"))
        settings = {**_flat(given), **self._settings, "io.tmp.dirs": str(self.folder / "tmp")}
        (self.folder / "tmp").mkdir()
        (conf / "config.yaml").write_text(yaml.safe_dump(settings, width=10_000), encoding="utf-8")

    def _launch(self, service: str) -> subprocess.Popen[bytes]:
        """Flink's script replaces itself by the JVM, so that the process is the service."""
        log = self.folder / "log"
        log.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_LOG_DIR": str(log),
            "FLINK_PID_DIR": str(self.folder / "tmp"),
        }
        name = service if service == "jobmanager" else f"{service}-{len(self.taskmanagers) + 1}"
        with (log / f"{name}.out").open("ab") as out:
            return subprocess.Popen(
                [str(self._home / "bin" / f"{service}.sh"), "start-foreground"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run; the cluster is ended after it
            )


@contextlib.contextmanager
def flink_cluster(home: Path, rest_port: int, rpc_port: int, folder: Path | None = None) -> Iterator[FlinkCluster]:
    """A running cluster; its logs stay where `folder` is given."""
    with tempfile.TemporaryDirectory(prefix="flink-") as temporary:
        cluster = FlinkCluster(home, (folder or Path(temporary) / "cluster").resolve(), rest_port, rpc_port)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` → `{"a.b": 1}`, in which form Flink takes settings as well."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat
