"""Spark on this machine, without Docker.

python -m scripts.spark setup                    fetches Beam's job server and Spark itself into .cache/engines
python -m scripts.spark cluster                  keeps a standalone master and two workers running until Ctrl-C
python -m scripts.spark run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

from scripts.job_server import ENGINES, JobServer, Unavailable, job_server
from scripts.spark_cluster import SparkCluster, spark_cluster

PORT, PAGE_PORT = 7077, 8080  # Spark's own defaults
WORKER_ENDPOINT = "localhost:50000"
CLUSTER = ENGINES / "spark-cluster"


def set_up() -> Path:
    """The home of the Spark that the job server in the cache is made for; both are there when this returns.

    Raises:
        Unavailable: one of them cannot be had.
    """
    version = spark_version(job_server("spark"))
    requirements = Path(__file__).with_name(f"spark-{version}.txt")
    if not requirements.is_file():
        raise Unavailable(f"the job server has Spark {version} within, and no scripts/spark-{version}.txt pins it")
    home = ENGINES / f"spark-{version}"
    done = home / "complete"
    if done.is_file() and done.read_text(encoding="utf-8") == requirements.read_text(encoding="utf-8"):
        return home / "pyspark"
    print(f"Fetching Spark {version} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    # Into a folder of its own, as files: PySpark is there for bin/ and jars/, and never imported.
    where = ["--target", str(home), "--no-deps", "--python-version", "3.10", "--no-compile-bytecode"]
    fetched = subprocess.run(
        [uv, "pip", "install", "--quiet", *where, "--require-hashes", "-r", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        raise Unavailable(f"Spark could not be fetched from PyPI: {' '.join(fetched.stderr.split())[:400]}")
    done.write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")
    return home / "pyspark"


def spark_version(server: JobServer) -> str:
    """The Spark within a job server, whose driver it is: executors of another version cannot read what it sends."""
    with zipfile.ZipFile(server.jar) as jar:
        said = jar.read("spark-version-info.properties").decode()
    found = re.search(r"^version=(\S+)$", said, re.MULTILINE)
    if not found:
        raise ValueError(f"{server.jar} does not say which Spark it has within")
    return found[1]


def run_on_cluster(options: list[str]) -> int:
    """Runs the training pipeline on a cluster of its own; returns its exit code."""
    with spark_cluster(set_up(), PORT, PAGE_PORT, CLUSTER) as cluster:
        print(f"Spark at http://{cluster.page}, its logs in {CLUSTER}/log", flush=True)
        runner = subprocess.Popen([sys.executable, "runner_local.py", *engine_options(cluster), *options])
        try:
            return runner.wait()
        except KeyboardInterrupt:  # the runner ends as it does without us, and says so
            runner.terminate()
            return runner.wait()


def keep_cluster() -> int:
    """Runs a cluster until Ctrl-C."""
    with spark_cluster(set_up(), PORT, PAGE_PORT, CLUSTER) as cluster:
        print(f"Spark at http://{cluster.page}; Ctrl-C ends it. To use it:")
        print(f"  {os.path.relpath(sys.executable)} runner_local.py {' '.join(engine_options(cluster))}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            cluster.wait()
    return 0


def engine_options(cluster: SparkCluster) -> list[str]:
    """Options of a runner that send Beam's work to a cluster, its SDK workers in a pool of processes beside it."""
    settings = {"master": cluster.master, "worker_endpoint": WORKER_ENDPOINT}
    given = [option for key, value in settings.items() for option in ("--set", f"engines.spark.{key}={value}")]
    return ["--engine", "spark", *given]


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster ends with us, whoever ends us
    command, options = (sys.argv[1:2] or ["help"])[0], sys.argv[2:]
    try:
        if command == "setup":
            print(f"Spark is in {set_up()}")
            return 0
        if command == "run":
            return run_on_cluster(options)
        if command == "cluster":
            return keep_cluster()
    except Unavailable as problem:
        print(f"flightline: {problem}", file=sys.stderr)
        return problem.exit_code
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
