"""What a network's outputs mean: the loss they are trained with, where they start, and how they become predictions."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flightline.serving.target import Target, Task

_MIN_CLASS_RATE = 1e-4  # keeps the initial bias finite where all labels are of one class


@dataclass(frozen=True)
class Objective:
    """How outputs [batch, outputs] and labels [batch] belong together.

    Attributes:
        loss: of outputs and scaled labels (`scale_labels`).
        initial_bias: float32 [outputs], the bias of the last layer before training: what the labels alone tell.
        label_summary: base rate, class rates, or mean and standard deviation of the labels; ready for JSON.
        mean, std: of a regression's labels, which the network learns standardised. With `std` 0 (all labels are the
            same) it predicts the mean.
    """

    loss: keras.losses.Loss
    initial_bias: np.ndarray
    label_summary: dict[str, Any]
    task: Task = "binary"
    mean: float = 0.0
    std: float = 1.0

    def scale_labels(self, labels: np.ndarray) -> np.ndarray:
        """Turn labels into what the loss compares with the outputs: a regression's are standardised."""
        if self.task != "regression":
            return labels
        return ((labels - self.mean) / (self.std or 1)).astype(np.float32)

    def predictions(self, outputs: tf.Tensor) -> tf.Tensor:
        """Turn outputs into probabilities [batch, 1] or [batch, classes], or a regression's values [batch, 1]."""
        if self.task == "multiclass":
            return tf.nn.softmax(outputs)
        if self.task == "regression":
            return outputs * self.std + self.mean
        return tf.sigmoid(outputs)


def make_objective(target: Target, labels: np.ndarray) -> Objective:
    """Make the objective of a task; `labels` [rows] are those of the training rows."""
    if target.task == "regression":
        mean, std = float(np.mean(labels, dtype=np.float64)), float(np.std(labels, dtype=np.float64))
        summary = {"label_mean": round(mean, 6), "label_std": round(std, 6)}
        return Objective(keras.losses.MeanSquaredError(), np.zeros(1), summary, target.task, mean, std)
    if target.task == "multiclass":
        rates = np.bincount(labels.astype(np.int64), minlength=target.outputs) / len(labels)
        bias = np.log(np.clip(rates, _MIN_CLASS_RATE, 1))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        class_rates = {str(name): round(float(rate), 6) for name, rate in zip(target.classes, rates, strict=True)}
        return Objective(loss, bias, {"class_rates": class_rates}, target.task)
    rate = float(labels.mean())
    clipped = min(max(rate, _MIN_CLASS_RATE), 1 - _MIN_CLASS_RATE)
    bias = np.array([math.log(clipped / (1 - clipped))])
    return Objective(keras.losses.BinaryCrossentropy(from_logits=True), bias, {"base_rate": round(rate, 6)})
