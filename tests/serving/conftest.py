"""Servers for the tests. `make test-serving` makes the environment that they run in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import Server, running_server
from small_releases import add_small_release


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """The folder of releases of a new workspace."""
    folder = tmp_path / "workspace" / "releases" / "flights"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with release 7, which answers sigmoid(dep_delay / 100); for tests that change nothing about it."""
    workspace = tmp_path_factory.mktemp("served") / "workspace"
    folder = workspace / "releases" / "flights"
    folder.mkdir(parents=True)
    add_small_release(folder, 7)
    with running_server(workspace, log={"flush_s": 0.05}, max_rows=2000) as server:
        yield server
