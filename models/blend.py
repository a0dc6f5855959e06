"""How much of the answer is the trees', how much the network's: as much as does best on the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from models.boosting import fit_trees
from models.objective import Objective
from models.rows import Features, Rows
from models.settings import ModelSettings, Task
from models.trees import Trees

_HALF = 0.5
_SHARES = (0.25, _HALF, 0.75, 1.0)  # a network without any trees is seldom best, and looks so by chance
_CLEARLY = 0.5  # standard errors by which another share has to be better than the half
_LEAST = 1e-7  # a probability of 0 has a loss that is finite
_MANY = 0.09  # share of the rows that is worth another fit; a tenth of them, rounded down, is
_BATCH = 4096


@dataclass(frozen=True)
class Beside:
    """Trees, and their share of what is answered; the rest is the network's."""

    trees: Trees
    share: float

    def blend(self, network: tf.Tensor, trees: tf.Tensor) -> tf.Tensor:
        """Of the answers of both, each [batch, answers], the one that is given."""
        return self.share * trees + (1 - self.share) * network


def fit_beside(
    model: keras.Model, rows: Rows, held_out: np.ndarray, settings: ModelSettings, objective: Objective, seed: int
) -> Beside | None:
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
        return Beside(trees, _HALF) if trees is not None else None
    trees = fit(Rows(*rows.take(np.delete(np.arange(len(rows)), held_out))))
    if trees is None:
        return None
    features, labels = rows.take(held_out)
    network, of_trees = (_answers(answering, features, objective) for answering in (model, trees))
    share = choose_share(network, of_trees, labels, objective.task)
    logging.info("Trees do best on %d held-out rows with %g of the answer.", len(held_out), share)
    if len(held_out) >= _MANY * len(rows):
        trees = fit(rows) or trees
    return Beside(trees, share)


def choose_share(network: np.ndarray, trees: np.ndarray, labels: np.ndarray, task: Task) -> float:
    """The trees' share with which the answers of both, each [rows, answers], come closest to the labels [rows].

    A mean of two that err differently is a good guess before any row is seen: another share must be clearly better
    (Breiman's rule of the standard error), for a few held-out rows say much by chance.
    """
    if len(labels) < 2:
        return _HALF
    losses = np.stack([_losses((1 - share) * network + share * trees, labels, task) for share in _SHARES])
    means = losses.mean(axis=1)
    behind = losses - losses[means.argmin()]
    as_good = behind.mean(axis=1) <= _CLEARLY * behind.std(axis=1, ddof=1) / len(labels) ** 0.5
    candidates = [(abs(share - _HALF), means[i], share) for i, share in enumerate(_SHARES) if as_good[i]]
    return min(candidates)[-1]


def _losses(answers: np.ndarray, labels: np.ndarray, task: Task) -> np.ndarray:
    """By row: squared error, or the log loss of the class that it has."""
    if task == "regression":
        return np.square(answers[:, 0] - labels)
    if task == "binary":
        said = np.where(labels == 1, answers[:, 0], 1 - answers[:, 0])
    else:
        said = answers[np.arange(len(labels)), labels]
    return -np.log(np.clip(said, _LEAST, 1))


def _answers(model: keras.Model | Trees, features: Features, objective: Objective) -> np.ndarray:
    rows = len(next(iter(features.values())))
    parts = []
    for start in range(0, rows, _BATCH):
        batch = {name: tf.constant(matrix[start : start + _BATCH]) for name, matrix in features.items()}
        parts.append(objective.answer(model(batch)).numpy())
    return np.concatenate(parts).astype(np.float64)
