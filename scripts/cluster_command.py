"""Shared parts of the engines' commands: download an engine from PyPI, and run the DAG on a cluster of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.cluster import Cluster, running_cluster
from scripts.job_server import ENGINES_DIR, ToolUnavailable

WORKER_ENDPOINT = "localhost:50000"


def fetch_engine(name: str, requirements: Path) -> Path:
    """The folder in the cache with the packages of a locked `requirements` file; downloaded if it does not exist.

    Raises:
        ToolUnavailable: they cannot be downloaded.
    """
    home = ENGINES_DIR / requirements.stem
    done = home / "complete"
    if done.is_file() and done.read_text(encoding="utf-8") == requirements.read_text(encoding="utf-8"):
        return home
    print(f"Downloading {name} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    # Into a folder of its own: these packages are used for bin/, conf/ and their jars, and never imported.
    target_options = ["--target", str(home), "--no-deps", "--python-version", "3.10", "--no-compile-bytecode"]
    fetched = subprocess.run(
        [uv, "pip", "install", "--quiet", *target_options, "--require-hashes", "-r", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        raise ToolUnavailable(f"{name} could not be downloaded from PyPI: {' '.join(fetched.stderr.split())[:400]}")
    done.write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")
    return home


def engine_options(cluster: Cluster) -> list[str]:
    """Runner options that send Beam's work to a cluster, with SDK workers in a pool of processes on this machine."""
    settings = {"master": cluster.master, "worker_endpoint": WORKER_ENDPOINT}
    set_options = [
        option for key, value in settings.items() for option in ("--set", f"engines.{cluster.engine}.{key}={value}")
    ]
    return ["--engine", cluster.engine, *set_options]


def cluster_command(name: str, usage: str, set_up: Callable[[], Path], cluster: Callable[[Path, Path], Cluster]) -> int:
    """Run the command line; returns the exit code. `cluster` takes an engine's home and a folder."""

    def use(home: Path, options: list[str] | None) -> int:
        with running_cluster(cluster(home, ENGINES_DIR / f"{name.lower()}-cluster")) as started:
            print(f"{name} at http://{started.page}, its logs in {os.path.relpath(started.folder)}/log", flush=True)
            return (
                _wait_for_interrupt(started) if options is None else run_pipeline([*engine_options(started), *options])
            )

    return run_tool_command(name, usage, "cluster", set_up, use)


def run_tool_command(
    name: str, usage: str, keep_command: str, set_up: Callable[[], Path], use: Callable[[Path, list[str] | None], int]
) -> int:
    """Run the command line: `setup`, `run`, or `keep_command`; returns the exit code.

    Args:
        keep_command: the command that keeps the tool running until Ctrl-C.
        use: takes the tool's folder, and the options of a run; None instead of options keeps the tool running.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what was started, too
    action, options = (sys.argv[1:2] or ["help"])[0], sys.argv[2:]
    if action not in ("setup", "run", keep_command):
        print(usage, file=sys.stderr)
        return 2
    try:
        home = set_up()
    except ToolUnavailable as problem:
        print(f"flightline: {problem}", file=sys.stderr)
        return problem.exit_code
    if action == "setup":
        print(f"{name} is in {home}")
        return 0
    return use(home, options if action == "run" else None)


def run_pipeline(options: list[str], environment: dict[str, str] | None = None) -> int:
    """Run the training pipeline with these options and additional environment variables; returns the exit code."""
    command = [sys.executable, "runner_local.py", *options]
    runner = subprocess.Popen(command, env={**os.environ, **(environment or {})})
    try:
        return runner.wait()
    except KeyboardInterrupt:  # the runner handles it as without this script
        runner.terminate()
        return runner.wait()


def _wait_for_interrupt(cluster: Cluster) -> int:
    """Keep the cluster running until Ctrl-C."""
    print("Ctrl-C ends it. To use it:")
    print(f"  {os.path.relpath(sys.executable)} runner_local.py {' '.join(engine_options(cluster))}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        cluster.wait_until_stopped()
    return 0
