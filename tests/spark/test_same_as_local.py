"""The whole DAG on a Spark cluster beside the local engine, on the same data: every artifact compared.

What is exact and what is compared to a tolerance is said in `comparison`. Spark has the rows in another order.
"""

import pytest
import run_comparison
from cluster_runs import CLUSTER_SETTINGS, free_port
from pipeline_runs import run_pipeline

SPLITS = ("train", "eval")


def test_every_step_ran_and_both_workers_worked(spark, cluster):
    assert {step.state for step in spark.steps.values()} == {"COMPLETE"}
    applications = cluster.applications()
    assert {application["state"] for application in applications} == {"FINISHED"}
    assert {application["cores"] for application in applications} == {2}
    for worker in ("worker-1", "worker-2"):
        log = (cluster.folder / "log" / f"{worker}.out").read_text()
        assert log.count("Asked to launch executor") == len(applications)


def test_no_spark_task_was_retried(spark):
    assert "Lost task" not in spark.log


def test_row_counts_are_the_same(local, spark):
    run_comparison.assert_same_row_counts(spark, local)


def test_examples(local, spark):
    run_comparison.assert_same_examples(spark, local)


@pytest.mark.parametrize("split", SPLITS)
def test_statistics(local, spark, split):
    run_comparison.assert_same_statistics(spark, local, split)


def test_schema_and_anomalies(local, spark):
    run_comparison.assert_same_schema_and_anomalies(spark, local)


def test_vocabularies(local, spark):
    run_comparison.assert_same_vocabularies(spark, local)


@pytest.mark.parametrize("split", SPLITS)
def test_transformed_examples(local, spark, split):
    run_comparison.assert_same_transformed_examples(spark, local, split, in_order=False)


def test_the_run_made_a_release(local, spark):
    assert spark.current
    run_comparison.assert_similar_models(spark, local, auc=0.02)


def test_the_same_model_is_measured_the_same_inside_the_job_server(local, spark_home, flights_sample):
    """Evaluator alone, on the model and the examples of the local run, on a Spark without a cluster."""
    port = ("--set", f"engines.spark.job_endpoint=localhost:{free_port()}")
    options = ("--from", "Evaluator", "--to", "Evaluator", "--engine", "spark", *port)
    again = run_pipeline(local.workspace, flights_sample, "again", *options, settings=CLUSTER_SETTINGS)
    assert again.code == 0, again.err
    run_comparison.assert_same_metrics(again, local)
