"""TFMA's validator accepts or rejects the computed results."""

import numpy as np
import pytest

from flightline.config.evaluation import EvaluationSettings
from flightline.executors.evaluator.results import compute_metrics, validate_thresholds
from flightline.executors.evaluator.scoring import Scores
from flightline.serving.target import Target
from models.evaluation import build_eval_config

LABELS = np.random.default_rng(0).normal(100, 10, 300).astype(np.float32)


@pytest.mark.parametrize(
    ("predictions", "blessed"),
    [(LABELS, True), (np.full(300, 100.0, np.float32), False), (np.full(300, 99.87, np.float32), False)],
)
def test_a_model_with_constant_predictions_is_not_blessed(predictions, blessed):
    """The correlation of a constant is undefined or rounding error; neither meets a threshold."""
    bounds = {"SquaredPearsonCorrelation": {"lower": 4 / 300}}
    config = build_eval_config("y", EvaluationSettings(thresholds=bounds), Target(task="regression"))
    config.model_specs[0].name = ""
    results = compute_metrics(config, {"": Scores(LABELS, predictions)}, {(): np.arange(300)})
    validation = validate_thresholds(config, results)
    assert validation.validation_ok == blessed
    if not blessed:
        [missed] = validation.metric_validations_per_slice[0].failures
        assert missed.metric_key.name == "squared_pearson_correlation"
