"""A Flink cluster on this machine's loopback: a JobManager and TaskManagers, for as long as it is entered."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster import LOOPBACK, Cluster

SLOTS_PER_WORKER = 2  # a TaskManager

# Small enough for a laptop. A batch job that loses a TaskManager starts its lost part anew; the heartbeat is shortened,
# since the default would have it wait for a dead TaskManager for 50 seconds.
FLINK_SETTINGS: dict[str, Any] = {
    "jobmanager.rpc.address": LOOPBACK,
    "jobmanager.bind-host": LOOPBACK,
    "jobmanager.memory.process.size": "1200m",
    "jobmanager.memory.jvm-metaspace.size": "400m",
    "rest.address": LOOPBACK,
    "rest.bind-address": LOOPBACK,
    "taskmanager.host": LOOPBACK,
    "taskmanager.bind-host": LOOPBACK,
    "taskmanager.numberOfTaskSlots": SLOTS_PER_WORKER,
    "taskmanager.memory.process.size": "3600m",
    "taskmanager.memory.managed.size": "512m",
    "taskmanager.memory.task.off-heap.size": "1g",  # the channels to SDK workers; without it large data end in errors
    "taskmanager.memory.jvm-metaspace.size": "400m",
    "taskmanager.memory.network.min": "384m",  # TFX's graphs have hundreds of exchanges, with buffers for each
    "taskmanager.memory.network.max": "384m",
    "taskmanager.network.sort-shuffle.min-buffers": 32,
    "taskmanager.load-balance.mode": "SLOTS",  # over all TaskManagers; by default the first is filled
    "parallelism.default": SLOTS_PER_WORKER,
    "restart-strategy.type": "exponential-delay",  # fixed-delay counts every task of a lost TaskManager as a failure
    "restart-strategy.exponential-delay.initial-backoff": "1 s",
    "restart-strategy.exponential-delay.max-backoff": "10 s",
    "restart-strategy.exponential-delay.backoff-multiplier": 2.0,
    "restart-strategy.exponential-delay.attempts-before-reset-backoff": 4,
    "heartbeat.interval": 2_000,
    "heartbeat.timeout": 10_000,
}


class FlinkCluster(Cluster):
    """One JobManager and its TaskManagers, as child processes. `master` is the JobManager's page."""

    engine = "flink"

    def __init__(self, home: Path, folder: Path, rest_port: int, rpc_port: int) -> None:
        """`home` is an unpacked Flink; the ports have to be free."""
        super().__init__(home, folder, f"{LOOPBACK}:{rest_port}", rest_port)
        self._settings = {**FLINK_SETTINGS, "rest.port": rest_port, "jobmanager.rpc.port": rpc_port}

    def start(self, workers: int = 2) -> None:
        self._configure()
        self.coordinator = self._launch("jobmanager", "jobmanager")
        for _ in range(workers):
            self._add_taskmanager()
        self.wait_for(workers)

    def replace_taskmanager(self) -> None:
        """Starts one more TaskManager in place of one that has ended, and waits until it has registered."""
        self.workers = [process for process in self.workers if process.poll() is None]
        self._add_taskmanager()
        self.wait_for(len(self.workers))

    def registered(self) -> int:
        with contextlib.suppress(OSError):
            return self.get_json("overview")["taskmanagers"]
        return -1

    def jobs(self) -> list[dict[str, Any]]:
        """Every job so far, oldest first: its `jid`, `name`, `state`, `start-time` in milliseconds."""
        return sorted(self.get_json("jobs/overview")["jobs"], key=lambda job: job["start-time"])

    def job_workers(self, job: str) -> set[str]:
        """The ids of the TaskManagers that a job's tasks ran on."""
        tasks = [vertex["id"] for vertex in self.get_json(f"jobs/{job}")["vertices"]]
        subtasks = [subtask for task in tasks for subtask in self.get_json(f"jobs/{job}/vertices/{task}")["subtasks"]]
        return {subtask["taskmanager-id"] for subtask in subtasks} - {"(unassigned)"}

    def _configure(self) -> None:
        conf = self.folder / "conf"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.home / "conf", conf)
        defaults = yaml.safe_load((conf / "config.yaml").read_text(encoding="utf-8"))
        settings = {**_flatten_settings(defaults), **self._settings, "io.tmp.dirs": str(self.folder / "tmp")}
        (self.folder / "tmp").mkdir()
        (conf / "config.yaml").write_text(yaml.safe_dump(settings, width=10_000), encoding="utf-8")

    def _add_taskmanager(self) -> None:
        self.workers.append(self._launch("taskmanager", f"taskmanager-{len(self.workers) + 1}"))

    def _launch(self, service: str, name: str) -> subprocess.Popen[bytes]:
        folders = {"FLINK_CONF_DIR": "conf", "FLINK_LOG_DIR": "log", "FLINK_PID_DIR": "tmp"}
        environment = {variable: str(self.folder / folder) for variable, folder in folders.items()}
        return self.launch(name, [str(self.home / "bin" / f"{service}.sh"), "start-foreground"], environment)


def _flatten_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` → `{"a.b": 1}`, in which form Flink takes settings as well."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat.update(
            _flatten_settings(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        )
    return flat
