"""A Spark cluster for the tests, and runs of the pipeline on it. `make test-spark` fetches what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_runs import CLUSTER_SETTINGS, cluster_options, free_port
from pipeline_runs import Result, run_pipeline

from scripts.cluster import running_cluster
from scripts.spark import ensure_spark
from scripts.spark_cluster import SparkCluster


@pytest.fixture(scope="session")
def spark_home() -> Path:
    return ensure_spark()


@pytest.fixture(scope="session")
def cluster(spark_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """One master and two workers."""
    folder = tmp_path_factory.mktemp("cluster") / "spark"
    with running_cluster(SparkCluster(spark_home, folder, free_port(), free_port())) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def local(flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The sample through the whole DAG on the local engine: what Spark is held to."""
    result = run_pipeline(
        tmp_path_factory.mktemp("local") / "workspace", flights_sample, "local", settings=CLUSTER_SETTINGS
    )
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="session")
def spark(cluster: SparkCluster, flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same on a cluster of two workers."""
    workspace = tmp_path_factory.mktemp("spark") / "workspace"
    result = run_pipeline(workspace, flights_sample, "spark", *cluster_options(cluster), settings=CLUSTER_SETTINGS)
    assert result.code == 0, result.err
    return result
