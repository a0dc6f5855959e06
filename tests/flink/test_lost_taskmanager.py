"""A TaskManager dies in the middle of a step: Flink starts the lost part anew, and nothing is lost or doubled."""

import time

import pytest
import run_comparison
from cluster_runs import CLUSTER_SETTINGS, cluster_options
from pipeline_runs import Result, start_pipeline

WAIT_S = 120


@pytest.fixture(scope="module")
def run_after_worker_loss(cluster, flights_sample, tmp_path_factory):
    """A run that lost a TaskManager in ExampleGen, what its job knows of that, and how many TaskManagers were left."""
    workspace = tmp_path_factory.mktemp("run_after_worker_loss") / "workspace"
    options = ("--to", "ExampleGen", *cluster_options(cluster))
    process = start_pipeline(workspace, flights_sample, "run_after_worker_loss", *options, settings=CLUSTER_SETTINGS)
    job = wait_until_busy(cluster, process)
    cluster.workers[0].kill()
    out, err = process.communicate(timeout=300)
    failures = cluster.get_json(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"]
    left = cluster.registered()
    cluster.replace_taskmanager()
    return Result(process.returncode, out, err, workspace, "run_after_worker_loss", None), failures, left


def wait_until_busy(cluster, process):
    """Waits until a job has finished some of its tasks and works on others; returns its id."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        for job in cluster.jobs():
            if job["state"] == "RUNNING" and job["tasks"]["finished"] and job["tasks"]["running"]:
                return job["jid"]
        time.sleep(0.1)
    raise AssertionError("no job came to work")


def test_the_killed_worker_had_work_and_the_run_succeeds(run_after_worker_loss):
    result, failures, left = run_after_worker_loss
    assert result.code == 0, result.err
    assert failures, "the job has not noticed"
    assert left == 1


def test_no_row_is_lost_or_doubled(run_after_worker_loss, local):
    run_comparison.assert_same_row_counts(run_after_worker_loss[0], local)
    run_comparison.assert_same_examples(run_after_worker_loss[0], local)
