"""The whole DAG on a Flink cluster beside the local engine, on the same data: every artifact compared.

Flink has the rows in another order. What does not depend on it is exact: rows, vocabularies, counts. Sums of floats
agree to 1e-6 of their size, transformed values to 1e-4; quantiles come from sketches, whose rank may be off by 1 %.
"""

import artifacts
import numpy as np
import pytest
from pipeline_runs import run_pipeline

SPLITS = ("train", "eval")
EXACT = {"binary_accuracy", "example_count", "precision", "recall"}


def test_every_step_ran_and_both_taskmanagers_worked(flink, cluster):
    assert {step.state for step in flink.steps.values()} == {"COMPLETE"}
    jobs = cluster.jobs()
    assert {job["state"] for job in jobs} == {"FINISHED"}
    tasks = [vertex["id"] for vertex in cluster.ask(f"jobs/{jobs[0]['jid']}")["vertices"]]
    hosts = {
        subtask["taskmanager-id"]
        for task in tasks
        for subtask in cluster.ask(f"jobs/{jobs[0]['jid']}/vertices/{task}")["subtasks"]
    }
    assert len(hosts) == 2


def test_rows_are_accounted_for_alike(local, flink):
    assert flink.summary["rows"] == local.summary["rows"]


@pytest.mark.parametrize("split", SPLITS)
def test_examples_are_the_same(local, flink, split):
    assert artifacts.examples(flink, split) == artifacts.examples(local, split)


@pytest.mark.parametrize("split", SPLITS)
def test_statistics(local, flink, split):
    ours, theirs = (artifacts.statistics(result, split) for result in (local, flink))
    assert ours.num_examples == theirs.num_examples
    expected = {tuple(feature.path.step): feature for feature in ours.features}
    assert {tuple(feature.path.step) for feature in theirs.features} == set(expected)
    for feature in theirs.features:
        _same_statistics(feature, expected[tuple(feature.path.step)], ours.num_examples)


def _same_statistics(feature, other, rows):
    kind = feature.WhichOneof("stats")
    common, wanted = (getattr(f, kind).common_stats for f in (feature, other))
    assert (common.num_non_missing, common.num_missing) == (wanted.num_non_missing, wanted.num_missing)
    if kind == "num_stats":
        for name in ("mean", "std_dev"):
            assert getattr(feature.num_stats, name) == pytest.approx(getattr(other.num_stats, name), rel=1e-6)
        for name in ("min", "max", "num_zeros"):
            assert getattr(feature.num_stats, name) == getattr(other.num_stats, name)
    else:
        assert feature.string_stats.unique == other.string_stats.unique
        counts = [sorted(v.frequency for v in s.string_stats.top_values) for s in (feature, other)]
        assert counts[0] == counts[1]


def test_vocabularies(local, flink):
    found = artifacts.vocabularies(flink)
    assert found == artifacts.vocabularies(local)
    assert "carrier" in found


@pytest.mark.parametrize("split", SPLITS)
def test_transformed_rows(local, flink, split):
    ours, theirs = (artifacts.transformed(result, split) for result in (local, flink))
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_allclose(values, ours[name], atol=1e-4, err_msg=name)


def test_a_release_came_of_it(local, flink):
    assert flink.current
    ours, theirs = (result.summary["evaluation"]["metrics"]["overall"] for result in (local, flink))
    assert theirs["example_count"] == ours["example_count"]
    assert theirs["auc"] == pytest.approx(ours["auc"], abs=0.02)  # trained on the same rows in another order


def test_the_same_model_is_measured_the_same(local, flink_home, flights_sample):
    """Evaluator alone, on the model and the examples of the local run, on a Flink inside the job server."""
    options = ("--from", "Evaluator", "--to", "Evaluator", "--engine", "flink")
    again = run_pipeline(local.workspace, flights_sample, "again", *options)
    assert again.code == 0, again.err
    ours, theirs = (result.summary["evaluation"]["metrics"] for result in (local, again))
    assert ours.keys() == theirs.keys()
    for name, metrics in ours.items():
        assert metrics.keys() == theirs[name].keys()
        for metric, value in metrics.items():
            tolerance = 0 if metric in EXACT else 1e-6
            assert theirs[name][metric] == pytest.approx(value, rel=tolerance, abs=0 if metric in EXACT else 1e-9)
