"""How much of the answer is the trees', how much the network's: as much as does best on the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from flightline.config.modeling import ModelSettings
from flightline.config.section import Task
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import FeatureMatrices, TrainingData
from flightline.modeling.tree_ensemble import TreeEnsemble
from flightline.modeling.tree_training import fit_trees

_DEFAULT_BLEND_WEIGHT = 0.5
_BLEND_WEIGHTS = (
    0.25,
    _DEFAULT_BLEND_WEIGHT,
    0.75,
    1.0,
)  # a network without any trees is seldom best, and looks so by chance
MIN_GAIN_STD_ERRORS = 0.5  # standard errors by which another share has to be better than the half
_MIN_PROBABILITY = 1e-7  # a probability of 0 has a loss that is finite
_MIN_REFIT_FRACTION = 0.09  # share of the rows that is worth another fit; a tenth of them, rounded down, is
_PREDICT_BATCH_ROWS = 4096


@dataclass(frozen=True)
class TreeEnsembleBlend:
    """Trees, and their share of what is answered; the rest is the network's."""

    trees: TreeEnsemble
    share: float

    def blend(self, network: tf.Tensor, trees: tf.Tensor) -> tf.Tensor:
        """Of the answers of both, each [batch, answers], the one that is given."""
        return self.share * trees + (1 - self.share) * network


def fit_tree_blend(
    model: keras.Model,
    rows: TrainingData,
    held_out: np.ndarray,
    settings: ModelSettings,
    objective: Objective,
    seed: int,
) -> TreeEnsembleBlend | None:
    """Trees for a trained network, which has not learnt from the rows at `held_out`.

    Their share is chosen with trees that have not seen these rows either; where they are many, the trees that are kept
    are then fitted on all rows. Without held-out rows the share is a half. None where the settings ask for no trees, or
    the labels are all the same.
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
    network, tree_answers = (_predict_in_batches(answering, features, objective) for answering in (model, trees))
    share = choose_blend_weight(network, tree_answers, labels, objective.task)
    logging.info("Trees do best on %d held-out rows with %g of the answer.", len(held_out), share)
    if len(held_out) >= _MIN_REFIT_FRACTION * len(rows):
        trees = fit(rows) or trees
    return TreeEnsembleBlend(trees, share)


def choose_blend_weight(network: np.ndarray, trees: np.ndarray, labels: np.ndarray, task: Task) -> float:
    """The trees' share with which the answers of both, each [rows, answers], come closest to the labels [rows].

    A mean of two that err differently is a good guess before any row is seen: another share must be clearly better
    (Breiman's rule of the standard error), for a few held-out rows say much by chance.
    """
    if len(labels) < 2:
        return _DEFAULT_BLEND_WEIGHT
    losses = np.stack([_row_losses((1 - share) * network + share * trees, labels, task) for share in _BLEND_WEIGHTS])
    means = losses.mean(axis=1)
    behind = losses - losses[means.argmin()]
    within_margin = behind.mean(axis=1) <= MIN_GAIN_STD_ERRORS * behind.std(axis=1, ddof=1) / len(labels) ** 0.5
    candidates = [
        (abs(share - _DEFAULT_BLEND_WEIGHT), means[i], share)
        for i, share in enumerate(_BLEND_WEIGHTS)
        if within_margin[i]
    ]
    return min(candidates)[-1]


def _row_losses(answers: np.ndarray, labels: np.ndarray, task: Task) -> np.ndarray:
    """By row: squared error, or the log loss of the class that it has."""
    if task == "regression":
        return np.square(answers[:, 0] - labels)
    if task == "binary":
        said = np.where(labels == 1, answers[:, 0], 1 - answers[:, 0])
    else:
        said = answers[np.arange(len(labels)), labels]
    return -np.log(np.clip(said, _MIN_PROBABILITY, 1))


def _predict_in_batches(
    model: keras.Model | TreeEnsemble, features: FeatureMatrices, objective: Objective
) -> np.ndarray:
    rows = len(next(iter(features.values())))
    parts = []
    for start in range(0, rows, _PREDICT_BATCH_ROWS):
        batch = {name: tf.constant(matrix[start : start + _PREDICT_BATCH_ROWS]) for name, matrix in features.items()}
        parts.append(objective.answer(model(batch)).numpy())
    return np.concatenate(parts).astype(np.float64)
