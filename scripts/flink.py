"""Flink on this machine, without Docker.

python -m scripts.flink setup                    fetches Beam's job server and Flink itself into .cache/engines
python -m scripts.flink cluster                  keeps a JobManager and two TaskManagers running until Ctrl-C
python -m scripts.flink run [runner options]     runs the whole DAG on such a cluster, which then ends
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from scripts.flink_cluster import FlinkCluster, flink_cluster
from scripts.job_server import ENGINES, JobServer, Unavailable, job_server

REST_PORT, RPC_PORT = 8081, 6123  # Flink's own defaults
WORKER_ENDPOINT = "localhost:50000"
CLUSTER = ENGINES / "flink-cluster"


def set_up() -> Path:
    """The home of the Flink that the job server in the cache is made for; both are there when this returns.

    Raises:
        Unavailable: one of them cannot be had.
    """
    server = job_server("flink")
    requirements = Path(__file__).with_name(f"flink-{_line(server)}.txt")
    home = ENGINES / f"flink-{_line(server)}"
    done = home / "complete"
    if done.is_file() and done.read_text(encoding="utf-8") == requirements.read_text(encoding="utf-8"):
        return home / "pyflink"
    print(f"Fetching Flink {_line(server)} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    # Into a folder of its own, as files: these packages are there for bin/, conf/ and lib/, and never imported.
    where = ["--target", str(home), "--no-deps", "--python-version", "3.10"]
    fetched = subprocess.run(
        [uv, "pip", "install", "--quiet", *where, "--require-hashes", "-r", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        raise Unavailable(f"Flink could not be fetched from PyPI: {' '.join(fetched.stderr.split())[:400]}")
    done.write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")
    return home / "pyflink"


def _line(server: JobServer) -> str:
    """The line of Flink that a job server is made for, such as 1.20."""
    found = re.search(r"flink-(\d+\.\d+)", server.runner)
    if not found:
        raise ValueError(f"{server.runner} names no Flink")
    return found[1]


def run_on_cluster(options: list[str]) -> int:
    """Runs the training pipeline on a cluster of its own; returns its exit code."""
    with flink_cluster(set_up(), REST_PORT, RPC_PORT, CLUSTER) as cluster:
        print(f"Flink at http://{cluster.master}, its logs in {CLUSTER}/log", flush=True)
        runner = subprocess.Popen([sys.executable, "runner_local.py", *engine_options(cluster), *options])
        try:
            return runner.wait()
        except KeyboardInterrupt:  # the runner ends as it does without us, and says so
            runner.terminate()
            return runner.wait()


def keep_cluster() -> int:
    """Runs a cluster until Ctrl-C."""
    with flink_cluster(set_up(), REST_PORT, RPC_PORT, CLUSTER) as cluster:
        print(f"Flink at http://{cluster.master}; Ctrl-C ends it. To use it:")
        print(f"  {os.path.relpath(sys.executable)} runner_local.py {' '.join(engine_options(cluster))}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            cluster.wait()
    return 0


def engine_options(cluster: FlinkCluster) -> list[str]:
    """Options of a runner that send Beam's work to a cluster, its SDK workers in a pool of processes beside it."""
    settings = {"master": cluster.master, "worker_endpoint": WORKER_ENDPOINT}
    given = [option for key, value in settings.items() for option in ("--set", f"engines.flink.{key}={value}")]
    return ["--engine", "flink", *given]


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster ends with us, whoever ends us
    command, options = (sys.argv[1:2] or ["help"])[0], sys.argv[2:]
    try:
        if command == "setup":
            print(f"Flink is in {set_up()}")
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
