"""What the network's outputs mean: the loss that they are trained by, where they start, what is answered of them."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flightline.config.section import Task
from flightline.config.target import Target

_MIN_CLASS_RATE = 1e-4  # with one class only, the start stays finite


@dataclass(frozen=True)
class Objective:
    """How outputs [batch, outputs] and labels [batch] belong together.

    Attributes:
        loss: of labels as `scaled` gives them.
        start: float32 [outputs], what the last layer says before it has learnt anything.
        centre, spread: of a regression's labels; the network learns their distance from the centre in spreads, and so
            learns millions as steadily as fractions. Labels that are all the same have no spread, and are the answer.
        about: what the labels were like, ready for JSON.
    """

    loss: keras.losses.Loss
    start: np.ndarray
    about: dict[str, Any]
    task: Task = "binary"
    centre: float = 0.0
    spread: float = 1.0

    def scaled(self, labels: np.ndarray) -> np.ndarray:
        """Labels as the network learns them."""
        if self.task != "regression":
            return labels
        return ((labels - self.centre) / (self.spread or 1)).astype(np.float32)

    def answer(self, outputs: tf.Tensor) -> tf.Tensor:
        """What is answered: [batch, 1] probabilities or amounts, or [batch, classes] probabilities."""
        if self.task == "multiclass":
            return tf.nn.softmax(outputs)
        if self.task == "regression":
            return outputs * self.spread + self.centre
        return tf.sigmoid(outputs)


def make_objective(target: Target, labels: np.ndarray) -> Objective:
    """The objective of a task, with what the training labels [rows] say by themselves."""
    if target.task == "regression":
        centre, spread = float(np.mean(labels, dtype=np.float64)), float(np.std(labels, dtype=np.float64))
        about = {"label_mean": round(centre, 6), "label_std": round(spread, 6)}
        return Objective(keras.losses.MeanSquaredError(), np.zeros(1), about, target.task, centre, spread)
    if target.task == "multiclass":
        rates = np.bincount(labels.astype(np.int64), minlength=target.outputs) / len(labels)
        start = np.log(np.clip(rates, _MIN_CLASS_RATE, 1))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        named = {str(name): round(float(rate), 6) for name, rate in zip(target.classes, rates, strict=True)}
        return Objective(loss, start, {"class_rates": named}, target.task)
    rate = float(labels.mean())
    known = min(max(rate, _MIN_CLASS_RATE), 1 - _MIN_CLASS_RATE)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return Objective(loss, np.array([math.log(known / (1 - known))]), {"base_rate": round(rate, 6)})
