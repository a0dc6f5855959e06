"""Spark on this machine, without Docker.

python -m scripts.spark setup                    downloads Beam's job server and Spark into .cache/engines
python -m scripts.spark cluster                  keeps a standalone master and two workers running until Ctrl-C
python -m scripts.spark run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from scripts.cluster_command import cluster_command, fetch_engine
from scripts.job_server import ToolUnavailable, ensure_job_server
from scripts.spark_cluster import SparkCluster

MASTER_PORT, UI_PORT = 7077, 8080  # Spark's own defaults


def ensure_spark() -> Path:
    """The home of the Spark that the job server in the cache contains; both are downloaded if they are missing.

    Raises:
        ToolUnavailable: one of them cannot be downloaded.
    """
    version = bundled_spark_version(ensure_job_server("spark").jar)
    requirements = Path(__file__).with_name(f"spark-{version}.txt")
    if not requirements.is_file():
        raise ToolUnavailable(
            f"the job server contains Spark {version}, and there is no scripts/{requirements.name} that locks it"
        )
    return fetch_engine(f"Spark {version}", requirements) / "pyspark"


def bundled_spark_version(jar: Path) -> str:
    """The version of Spark in a job server. Its driver sends tasks that only executors of this version can read."""
    with zipfile.ZipFile(jar) as files:
        properties = files.read("spark-version-info.properties").decode()
    found = re.search(r"^version=(\S+)$", properties, re.MULTILINE)
    if not found:
        raise ValueError(f"{jar} does not name the Spark that it contains")
    return found[1]


if __name__ == "__main__":
    sys.exit(
        cluster_command(
            "Spark", __doc__, ensure_spark, lambda home, folder: SparkCluster(home, folder, MASTER_PORT, UI_PORT)
        )
    )
