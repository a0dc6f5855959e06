"""The whole DAG on a Flink cluster beside the local engine, on the same data: every artifact compared.

What is exact and what is compared to a tolerance is said in `comparison`. Flink has the rows in another order.
"""

import pytest
import run_comparison
from cluster_runs import CLUSTER_SETTINGS, free_port
from pipeline_runs import run_pipeline

SPLITS = ("train", "eval")


def test_every_step_ran_and_both_taskmanagers_worked(flink, cluster):
    assert {step.state for step in flink.steps.values()} == {"COMPLETE"}
    jobs = [job for job in cluster.jobs() if job["start-time"] > flink.steps["ExampleGen"].started_ms]
    assert len(jobs) >= 4
    assert {job["state"] for job in jobs} == {"FINISHED"}
    workers = {worker for job in jobs for worker in cluster.job_workers(job["jid"])}
    assert len(workers) == 2


def test_row_counts_are_the_same(local, flink):
    run_comparison.assert_same_row_counts(flink, local)


def test_examples(local, flink):
    run_comparison.assert_same_examples(flink, local)


@pytest.mark.parametrize("split", SPLITS)
def test_statistics(local, flink, split):
    run_comparison.assert_same_statistics(flink, local, split)


def test_schema_and_anomalies(local, flink):
    run_comparison.assert_same_schema_and_anomalies(flink, local)


def test_vocabularies(local, flink):
    run_comparison.assert_same_vocabularies(flink, local)


@pytest.mark.parametrize("split", SPLITS)
def test_transformed_examples(local, flink, split):
    run_comparison.assert_same_transformed_examples(flink, local, split, in_order=False)


def test_the_run_made_a_release(local, flink):
    assert flink.current
    run_comparison.assert_similar_models(flink, local, auc=0.02)


def test_the_same_model_is_measured_the_same_inside_the_job_server(local, flink_home, flights_sample):
    """Evaluator alone, on the model and the examples of the local run, on an embedded Flink."""
    endpoint = f"engines.flink.job_endpoint=localhost:{free_port()}"
    options = ("--from", "Evaluator", "--to", "Evaluator", "--engine", "flink", "--set", endpoint)
    again = run_pipeline(local.workspace, flights_sample, "again", *options, settings=CLUSTER_SETTINGS)
    assert again.code == 0, again.err
    run_comparison.assert_same_metrics(again, local)
