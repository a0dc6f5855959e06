"""TFX 1.16 beside TFX 1.21 on the same data: every artifact compared, and each stack's release used by the other.

What is exact and what is compared to a tolerance is said in `comparison`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import run_comparison
from pipeline_runs import ROOT

SPLITS = ("train", "eval")
NOISE = 0.02  # two versions of TensorFlow and Keras draw other numbers from the same seed
FLIGHTLINE = ("-c", "from flightline.cli.main import main; main()")


def on_this(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


def test_each_run_records_its_tfx_stack_and_the_stacks_differ(here, there):
    assert "TFX 1.16.0 on Python 3.10." in here.out
    assert "TFX 1.21.0 on Python 3.13." in there.out


def test_every_step_ran(here, there):
    assert there.steps.keys() == here.steps.keys()
    assert {step.state for step in there.steps.values()} == {"COMPLETE"}


def test_no_fast_executor_fell_back_to_stock(there):
    """What ours cannot take goes to TFX's own, and the screen says so."""
    assert "stock" not in there.out


def test_row_counts_are_the_same(here, there):
    run_comparison.assert_same_row_counts(there, here)


def test_the_splits_are_the_same_to_the_row(here, there):
    run_comparison.assert_same_examples(there, here)


@pytest.mark.parametrize("split", SPLITS)
def test_statistics(here, there, split):
    run_comparison.assert_same_statistics(there, here, split)


def test_schema_and_anomalies(here, there):
    run_comparison.assert_same_schema_and_anomalies(there, here)


def test_vocabularies(here, there):
    run_comparison.assert_same_vocabularies(there, here)


@pytest.mark.parametrize("split", SPLITS)
def test_transformed_examples(here, there, split):
    run_comparison.assert_same_transformed_examples(there, here, split, in_order=True)


def test_the_models_of_both_stacks_have_similar_metrics(here, there):
    run_comparison.assert_similar_models(there, here, auc=NOISE)


@pytest.mark.parametrize("made", ["here", "there"])
def test_a_release_answers_the_same_on_both_stacks(made, request, run_on_tfx121, flights_sample, folder):
    """`flightline score` loads the release that the other stack made, and its lineage from the other's store."""
    result = request.getfixturevalue(made)
    answers = []
    for stack, run in (("here", on_this), ("there", run_on_tfx121)):
        output = folder / f"{made}-scored-{stack}"
        asked = ["score", "--input", str(flights_sample / "span-12"), "--output", str(output), "--plain"]
        ended = run(*FLIGHTLINE, *asked, "--config", str(result.folder / "config.yaml"))
        assert ended.returncode == 0, ended.stderr
        answers.append(_by_row(output))
    assert answers[0].keys() == answers[1].keys()
    assert answers[0]
    np.testing.assert_allclose(list(answers[0].values()), [answers[1][key] for key in answers[0]], atol=1e-5)


def _by_row(output: Path) -> dict[tuple[str, int], float]:
    rows = pq.read_table(output / "predictions.parquet").to_pylist()
    return {(Path(row["file"]).name, row["line"]): row["probability"] for row in rows}
