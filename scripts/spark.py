"""Spark on this machine, without Docker.

python -m scripts.spark setup                    fetches Beam's job server and Spark itself into .cache/engines
python -m scripts.spark cluster                  keeps a standalone master and two workers running until Ctrl-C
python -m scripts.spark run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from scripts.cluster_command import cluster_command, fetch_engine
from scripts.job_server import Unavailable, ensure_job_server
from scripts.spark_cluster import SparkCluster

MASTER_PORT, UI_PORT = 7077, 8080  # Spark's own defaults


def ensure_spark() -> Path:
    """The home of the Spark that the job server in the cache has within; both are there when this returns.

    Raises:
        Unavailable: one of them cannot be had.
    """
    version = bundled_spark_version(ensure_job_server("spark").jar)
    requirements = Path(__file__).with_name(f"spark-{version}.txt")
    if not requirements.is_file():
        raise Unavailable(f"the job server has Spark {version} within, which scripts/{requirements.name} would pin")
    return fetch_engine(f"Spark {version}", requirements) / "pyspark"


def bundled_spark_version(jar: Path) -> str:
    """The version of Spark in a job server, whose driver it is: executors of another cannot read what it sends them."""
    with zipfile.ZipFile(jar) as files:
        said = files.read("spark-version-info.properties").decode()
    found = re.search(r"^version=(\S+)$", said, re.MULTILINE)
    if not found:
        raise ValueError(f"{jar} does not say which Spark it has within")
    return found[1]


if __name__ == "__main__":
    sys.exit(
        cluster_command(
            "Spark", __doc__, ensure_spark, lambda home, folder: SparkCluster(home, folder, MASTER_PORT, UI_PORT)
        )
    )
