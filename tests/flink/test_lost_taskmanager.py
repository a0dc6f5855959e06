"""A TaskManager dies in the middle of a step: Flink starts the lost part anew, and nothing is lost or doubled."""

import time

import comparison
import pytest
from engine_runs import SETTINGS, on_cluster
from pipeline_runs import Result, start_pipeline

WAIT_S = 120


@pytest.fixture(scope="module")
def bereaved(cluster, flights_sample, tmp_path_factory):
    """A run that lost a TaskManager in ExampleGen, what its job knows of that, and how many TaskManagers were left."""
    workspace = tmp_path_factory.mktemp("bereaved") / "workspace"
    options = ("--to", "ExampleGen", *on_cluster(cluster))
    process = start_pipeline(workspace, flights_sample, "bereaved", *options, settings=SETTINGS)
    job = wait_until_busy(cluster, process)
    cluster.workers[0].kill()
    out, err = process.communicate(timeout=300)
    failures = cluster.ask(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"]
    left = cluster.registered()
    cluster.replace_taskmanager()
    return Result(process.returncode, out, err, workspace, "bereaved", None), failures, left


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


def test_the_job_was_hit_and_the_run_ends_well(bereaved):
    result, failures, left = bereaved
    assert result.code == 0, result.err
    assert failures, "the job has not noticed"
    assert left == 1


def test_no_row_is_lost_or_doubled(bereaved, local):
    comparison.same_rows(bereaved[0], local)
    comparison.same_examples(bereaved[0], local)
