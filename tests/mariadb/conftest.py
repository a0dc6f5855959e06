"""A MariaDB server for the tests, and runs of the pipeline with it. `make test-mariadb` fetches what it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_runs import free_port
from pipeline_runs import LENIENT_SETTINGS, Result, run_pipeline, start_pipeline

from scripts.mariadb import ensure_mariadb
from scripts.mariadb_server import MariaDB, running_server


@pytest.fixture(scope="session")
def home() -> Path:
    return ensure_mariadb()


@pytest.fixture(scope="session")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server that everybody leaves running; its password is in the environment of whatever the tests start."""
    with running_server(MariaDB(home, tmp_path_factory.mktemp("mariadb") / "server", free_port())) as server:
        os.environ.update(server.environment)
        yield server
        for name in server.environment:
            del os.environ[name]


@pytest.fixture(scope="session")
def month(flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """June of the sample."""
    folder = tmp_path_factory.mktemp("month")
    shutil.copytree(flights_sample / "span-06", folder / "span-06")
    return folder


@dataclass(frozen=True)
class Pair:
    """Two pipelines that wrote to one empty database at once, from a workspace each.

    Attributes:
        seen: the command lines of all processes of the machine, again and again while they ran.
    """

    one: Result
    other: Result
    database: str
    seen: str


@pytest.fixture(scope="session")
def pair(server: MariaDB, month: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The whole DAG twice at once; even the tables are made by whoever is first."""
    database = server.add_database("pair")
    names = ("flights", "flights-other")
    folders = {name: tmp_path_factory.mktemp("pair") / "workspace" for name in names}
    processes = {}
    for name, workspace in folders.items():
        settings = (*LENIENT_SETTINGS, *server.settings(database), f"name={name}")
        processes[name] = start_pipeline(workspace, month, name, settings=settings)
    seen = []
    while any(process.poll() is None for process in processes.values()):
        seen.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout)
        for process in processes.values():
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                continue
    results = {}
    for name, process in processes.items():
        out, err = process.communicate()
        results[name] = Result(process.returncode, out, err, folders[name], name, None)
    return Pair(results["flights"], results["flights-other"], database, "".join(seen))


@pytest.fixture(scope="session")
def local(month: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same with a store of its own, in SQLite: what a server is held to."""
    result = run_pipeline(tmp_path_factory.mktemp("local") / "workspace", month, "local")
    assert result.code == 0, result.err
    return result
