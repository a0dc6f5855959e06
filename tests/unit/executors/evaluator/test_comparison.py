"""Which differences to the champion have confidence intervals: those of binary targets."""

import numpy as np
import pytest

from flightline.config.evaluation import EvaluationSettings
from flightline.executors.evaluator.comparison import compare_models
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.scoring import Scores
from flightline.serving.target import BINARY_TARGET, Target
from models.evaluation import build_eval_config


def compare(target, labels):
    """The comparison of a random candidate and a random champion on these labels."""
    config = build_eval_config("y", EvaluationSettings(), target)
    config.model_specs[0].name = "candidate"
    config.model_specs.add(name="baseline", is_baseline=True)
    rng = np.random.default_rng(7)
    scores = {name: Scores(labels, rng.random(len(labels))) for name in ("candidate", "baseline")}
    return compare_models(EvaluationJob(config, {}, [], "nowhere"), scores)


def test_binary_targets_have_intervals_of_auc_and_accuracy():
    found = compare(BINARY_TARGET, np.arange(60) % 2)
    assert [interval.metric for interval in found.intervals] == ["auc", "binary_accuracy"]


@pytest.mark.parametrize("labels", [np.arange(60.0), np.arange(60) % 2])
def test_regression_targets_have_no_intervals(labels):
    assert compare(Target(task="regression"), labels) is None
