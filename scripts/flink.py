"""Flink on this machine, without Docker.

python -m scripts.flink setup                    downloads Beam's job server and Flink into .cache/engines
python -m scripts.flink cluster                  keeps a JobManager and two TaskManagers running until Ctrl-C
python -m scripts.flink run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.cluster_command import cluster_command, fetch_engine
from scripts.flink_cluster import FlinkCluster
from scripts.job_server import JobServer, ensure_job_server

REST_PORT, RPC_PORT = 8081, 6123  # Flink's own defaults


def ensure_flink() -> Path:
    """The home of the Flink that the job server in the cache is made for; both are downloaded if they are missing.

    Raises:
        ToolUnavailable: one of them cannot be downloaded.
    """
    version = _flink_version(ensure_job_server("flink"))
    return fetch_engine(f"Flink {version}", Path(__file__).with_name(f"flink-{version}.txt")) / "pyflink"


def _flink_version(server: JobServer) -> str:
    """The Flink version that a job server is made for, such as 1.20."""
    found = re.search(r"flink-(\d+\.\d+)", server.runner)
    if not found:
        raise ValueError(f"{server.runner} names no Flink")
    return found[1]


if __name__ == "__main__":
    sys.exit(
        cluster_command(
            "Flink", __doc__, ensure_flink, lambda home, folder: FlinkCluster(home, folder, REST_PORT, RPC_PORT)
        )
    )
