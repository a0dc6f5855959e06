"""Blends the predictions of boosted trees with those of the network, by what does best on the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from flightline.config.modeling import ModelSettings
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import FeatureMatrices, TrainingData
from flightline.modeling.tree_ensemble import TreeEnsemble
from flightline.modeling.tree_training import fit_trees
from flightline.serving.target import Task

_DEFAULT_BLEND_WEIGHT = 0.5
# Weights of the trees. Without 0: a network without any trees is seldom best, and looks so by chance.
_BLEND_WEIGHTS = (0.25, _DEFAULT_BLEND_WEIGHT, 0.75, 1.0)
MIN_GAIN_STD_ERRORS = 0.5  # standard errors by which another weight must be better than the default
_MIN_PROBABILITY = 1e-7  # keeps the log loss of a probability of 0 finite
_MIN_REFIT_FRACTION = 0.09  # of all rows: with more held out, trees are fitted again on all; a tenth, rounded down, is
_PREDICT_BATCH_ROWS = 4096


@dataclass(frozen=True)
class TreeEnsembleBlend:
    """Trees, and the weight of their predictions; the rest is the network's."""

    trees: TreeEnsemble
    weight: float

    def blend(self, network: tf.Tensor, trees: tf.Tensor) -> tf.Tensor:
        """Blend the predictions of both, each [batch, outputs]."""
        return self.weight * trees + (1 - self.weight) * network

    @property
    def record(self) -> dict[str, float]:
        """What the record of the training says of it, ready for JSON."""
        return {"trees": self.trees.count, "tree_blend_weight": self.weight}


def fit_tree_blend(
    model: keras.Model,
    rows: TrainingData,
    held_out: np.ndarray,
    settings: ModelSettings,
    objective: Objective,
    seed: int,
) -> TreeEnsembleBlend | None:
    """Fit trees to blend with a trained network, which has not learnt from the rows at `held_out`.

    The weight is chosen with trees that have not learnt from these rows either. Where they are many, the trees are then
    fitted again on all rows. Without held-out rows the weight is 0.5.

    Returns:
        None where the settings ask for no trees, or all labels are the same.
    """
    if not settings.trees:
        return None
    fit = partial(fit_trees, settings=settings, objective=objective, outputs=model.output_shape[-1], seed=seed)
    if not len(held_out):
        trees = fit(rows)
        return TreeEnsembleBlend(trees, _DEFAULT_BLEND_WEIGHT) if trees is not None else None
    trees = fit(TrainingData(*rows.take(np.delete(np.arange(len(rows)), held_out))))
    if trees is None:
        return None
    features, labels = rows.take(held_out)
    network_predictions, tree_predictions = (_predict(either, features, objective) for either in (model, trees))
    weight = choose_blend_weight(network_predictions, tree_predictions, labels, objective.task)
    logging.info("Blend weight of the trees: %g (chosen on %d held-out rows).", weight, len(held_out))
    if len(held_out) >= _MIN_REFIT_FRACTION * len(rows):
        trees = fit(rows) or trees
    return TreeEnsembleBlend(trees, weight)


def choose_blend_weight(network: np.ndarray, trees: np.ndarray, labels: np.ndarray, task: Task) -> float:
    """Choose the weight of the trees: the predictions of both are [rows, outputs], the labels [rows].

    The mean of two models that err differently is a good guess before any row is seen. Another weight must be clearly
    better (Breiman's one-standard-error rule), since a few held-out rows may favour it by chance.
    """
    if len(labels) < 2:
        return _DEFAULT_BLEND_WEIGHT
    losses = np.stack([_row_losses((1 - weight) * network + weight * trees, labels, task) for weight in _BLEND_WEIGHTS])
    means = losses.mean(axis=1)
    excess = losses - losses[means.argmin()]
    within_margin = excess.mean(axis=1) <= MIN_GAIN_STD_ERRORS * excess.std(axis=1, ddof=1) / len(labels) ** 0.5
    candidates = [
        (abs(weight - _DEFAULT_BLEND_WEIGHT), means[i], weight)
        for i, weight in enumerate(_BLEND_WEIGHTS)
        if within_margin[i]
    ]
    return min(candidates)[-1]


def _row_losses(predictions: np.ndarray, labels: np.ndarray, task: Task) -> np.ndarray:
    """Compute the squared error of each row, or the log loss of its class."""
    if task == "regression":
        return np.square(predictions[:, 0] - labels)
    if task == "binary":
        class_probability = np.where(labels == 1, predictions[:, 0], 1 - predictions[:, 0])
    else:
        class_probability = predictions[np.arange(len(labels)), labels]
    return -np.log(np.clip(class_probability, _MIN_PROBABILITY, 1))


def _predict(model: keras.Model | TreeEnsemble, features: FeatureMatrices, objective: Objective) -> np.ndarray:
    rows = len(next(iter(features.values())))
    parts = []
    for start in range(0, rows, _PREDICT_BATCH_ROWS):
        batch = {name: tf.constant(matrix[start : start + _PREDICT_BATCH_ROWS]) for name, matrix in features.items()}
        parts.append(objective.predictions(model(batch)).numpy())
    return np.concatenate(parts).astype(np.float64)
