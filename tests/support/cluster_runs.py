"""What it takes to run the pipeline on a cluster of the tests, of Flink or of Spark."""

from __future__ import annotations

import socket

from pipeline_runs import LENIENT_SETTINGS

from scripts.cluster import Cluster

# A cluster pays for every analyzer of Transform, whatever the rows: without the weather it is a third of them.
EXCLUDED_FEATURES = "dewp, flight, humid, precip, pressure, tailnum, visib, wind_dir, wind_gust, wind_speed"
CLUSTER_SETTINGS = (*LENIENT_SETTINGS, f"features.exclude=[{EXCLUDED_FEATURES}]")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def cluster_options(cluster: Cluster) -> tuple[str, ...]:
    """Options of a runner that has Beam's work done on the cluster, by a pool of SDK workers of its own."""
    ports = (f"{key}=localhost:{free_port()}" for key in ("job_endpoint", "worker_endpoint"))
    settings = (f"engines.{cluster.engine}.{setting}" for setting in (f"master={cluster.master}", *ports))
    return ("--engine", cluster.engine, *(part for setting in settings for part in ("--set", setting)))
