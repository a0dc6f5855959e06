"""Flink on this machine, without Docker.

python -m scripts.flink setup                    fetches Beam's job server and Flink itself into .cache/engines
python -m scripts.flink cluster                  keeps a JobManager and two TaskManagers running until Ctrl-C
python -m scripts.flink run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.engine import command, unpacked
from scripts.flink_cluster import FlinkCluster
from scripts.job_server import JobServer, job_server

REST_PORT, RPC_PORT = 8081, 6123  # Flink's own defaults


def set_up() -> Path:
    """The home of the Flink that the job server in the cache is made for; both are there when this returns.

    Raises:
        Unavailable: one of them cannot be had.
    """
    line = _line(job_server("flink"))
    return unpacked(f"Flink {line}", Path(__file__).with_name(f"flink-{line}.txt")) / "pyflink"


def _line(server: JobServer) -> str:
    """The line of Flink that a job server is made for, such as 1.20."""
    found = re.search(r"flink-(\d+\.\d+)", server.runner)
    if not found:
        raise ValueError(f"{server.runner} names no Flink")
    return found[1]


if __name__ == "__main__":
    sys.exit(command("Flink", __doc__, set_up, lambda home, folder: FlinkCluster(home, folder, REST_PORT, RPC_PORT)))
