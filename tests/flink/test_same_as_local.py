"""The whole DAG on a Flink cluster beside the local engine, on the same data: every artifact compared.

What is exact and what is compared to a tolerance is said in `comparison`. Flink has the rows in another order.
"""

import comparison
import pytest
from engine_runs import SETTINGS, free_port
from pipeline_runs import run_pipeline

SPLITS = ("train", "eval")


def test_every_step_ran_and_both_taskmanagers_worked(flink, cluster):
    assert {step.state for step in flink.steps.values()} == {"COMPLETE"}
    jobs = [job for job in cluster.jobs() if job["start-time"] > flink.steps["ExampleGen"].started]
    assert len(jobs) >= 4
    assert {job["state"] for job in jobs} == {"FINISHED"}
    workers = {worker for job in jobs for worker in cluster.who_worked(job["jid"])}
    assert len(workers) == 2


def test_every_row_is_accounted_for_alike(local, flink):
    comparison.same_rows(flink, local)


def test_examples(local, flink):
    comparison.same_examples(flink, local)


@pytest.mark.parametrize("split", SPLITS)
def test_statistics(local, flink, split):
    comparison.same_statistics(flink, local, split)


def test_schema_and_anomalies(local, flink):
    comparison.same_schema_and_anomalies(flink, local)


def test_vocabularies(local, flink):
    comparison.same_vocabularies(flink, local)


@pytest.mark.parametrize("split", SPLITS)
def test_transformed_examples(local, flink, split):
    comparison.same_transformed(flink, local, split, in_order=False)


def test_a_release_came_of_it(local, flink):
    assert flink.current
    comparison.same_counts_and_a_like_model(flink, local, auc=0.02)


def test_the_same_model_is_measured_the_same_inside_the_job_server(local, flink_home, flights_sample):
    """Evaluator alone, on the model and the examples of the local run, on an embedded Flink."""
    endpoint = f"engines.flink.job_endpoint=localhost:{free_port()}"
    options = ("--from", "Evaluator", "--to", "Evaluator", "--engine", "flink", "--set", endpoint)
    again = run_pipeline(local.workspace, flights_sample, "again", *options, settings=SETTINGS)
    assert again.code == 0, again.err
    comparison.same_metrics_of_one_model(again, local)
