"""A Flink cluster for the tests, and runs of the pipeline on it. `make test-flink` fetches what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_runs import CLUSTER_SETTINGS, cluster_options, free_port
from pipeline_runs import Result, run_pipeline

from scripts.cluster import running_cluster
from scripts.flink import ensure_flink
from scripts.flink_cluster import FlinkCluster


@pytest.fixture(scope="session")
def flink_home() -> Path:
    return ensure_flink()


@pytest.fixture(scope="session")
def cluster(flink_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """One JobManager and two TaskManagers; whoever harms them makes it good."""
    folder = tmp_path_factory.mktemp("cluster") / "flink"
    with running_cluster(FlinkCluster(flink_home, folder, free_port(), free_port())) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def local(flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The sample through the whole DAG on the local engine: what Flink is held to."""
    result = run_pipeline(
        tmp_path_factory.mktemp("local") / "workspace", flights_sample, "local", settings=CLUSTER_SETTINGS
    )
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="session")
def flink(cluster: FlinkCluster, flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same on a cluster of two TaskManagers."""
    workspace = tmp_path_factory.mktemp("flink") / "workspace"
    result = run_pipeline(workspace, flights_sample, "flink", *cluster_options(cluster), settings=CLUSTER_SETTINGS)
    assert result.code == 0, result.err
    return result
