"""The training loop: batches, learning rate, early stopping, and a record of how it went."""

import dataclasses
import json
import math
import posixpath
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from flightline.config.modeling import TrainSettings
from flightline.modeling.model_io import OUTPUT_LAYER
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import TrainingData, ordered_batches, shuffled_batches

TRAINING_RECORD_FILE = "training.json"
_MIN_BATCH_ROWS = 32
_LOSS_POINTS_PER_EPOCH = 20
_WARM_UP_FRACTION = 0.1
# A third of the time of a small step is Keras' own overhead: where there are many steps, they run several at a time.
_GROUPED_STEPS, _MIN_STEPS_TO_GROUP = 8, 800


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use deterministic operations only."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train_model(
    model: keras.Model, rows: TrainingData, settings: TrainSettings, objective: Objective
) -> dict[str, Any]:
    """Fit `model` in place and return a record of the training, ready for JSON.

    Where rows are held out (`split_held_out`), training stops early, and the model ends with the weights of the epoch
    with the lowest loss on them.

    Raises:
        ValueError: there are no rows to train on, or the model has no layer named `OUTPUT_LAYER`.
    """
    held_out, kept = split_held_out(len(rows), settings)
    batch_size, steps, epochs = plan_steps(len(kept), settings)
    logging.info(
        "Training on %d rows, %d held out: %d steps of %d rows per epoch, up to %d epochs.",
        *(len(kept), len(held_out), steps, batch_size, epochs),
    )
    rows = dataclasses.replace(rows, labels=objective.scale_labels(rows.labels))
    _output_layer(model).bias.assign(objective.initial_bias)
    model.compile(
        optimizer=_make_optimizer(settings, steps * epochs),
        loss=objective.loss,
        jit_compile=False,
        steps_per_execution=_steps_per_execution(steps),
    )
    log = _LossHistory(steps)
    callbacks: list[keras.callbacks.Callback] = [log]
    if len(held_out):
        stopping = keras.callbacks.EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True)
        callbacks.append(stopping)
    model.fit(
        shuffled_batches(rows, kept, batch_size, settings.seed),
        validation_data=ordered_batches(rows, held_out) if len(held_out) else None,
        epochs=epochs,
        steps_per_epoch=steps,
        callbacks=callbacks,
        verbose=0,
    )
    best = min(log.epochs, key=lambda epoch: epoch["val_loss"]) if len(held_out) else log.epochs[-1]
    return {
        "rows_trained": len(kept),
        "rows_held_out": len(held_out),
        **objective.label_summary,
        "parameters": model.count_params(),
        "batch_size": batch_size,
        "steps_per_epoch": steps,
        "epochs": len(log.epochs),
        "best_epoch": best["epoch"],
        "history": log.epochs,
        "losses": log.losses,
    }


def split_held_out(rows: int, settings: TrainSettings) -> tuple[np.ndarray, np.ndarray]:
    """Draw the held-out rows with `settings.seed`: the indices of those rows, and of the rows to train on."""
    order = np.random.default_rng(settings.seed).permutation(rows)
    held_out, kept = np.split(order, [int(rows * settings.validation_share)])
    return held_out, kept


def plan_steps(rows: int, settings: TrainSettings) -> tuple[int, int, int]:
    """Choose batch size, steps per epoch and number of epochs for a number of training rows.

    Raises:
        ValueError: there are no rows.
    """
    if rows < 1:
        raise ValueError("no rows are left to train on: lower train.validation_share or bring more data")
    batch_size = settings.batch_size
    while batch_size // 2 >= _MIN_BATCH_ROWS and rows // batch_size < settings.min_steps_per_epoch:
        batch_size //= 2
    batch_size = min(batch_size, rows)
    steps = rows // batch_size
    steps -= steps % _steps_per_execution(steps)  # leftover rows: each epoch has another order, and leaves out others
    return batch_size, steps, max(settings.epochs, math.ceil(settings.min_steps / steps))


def _steps_per_execution(steps: int) -> int:
    return _GROUPED_STEPS if steps >= _MIN_STEPS_TO_GROUP else 1


def _output_layer(model: keras.Model) -> keras.layers.Layer:
    try:
        return model.get_layer(OUTPUT_LAYER)
    except ValueError as error:
        raise ValueError(
            f"the network has no layer named {OUTPUT_LAYER!r}: build_model must name its last layer so"
        ) from error


class _LossHistory(keras.callbacks.Callback):
    """Keeps and logs the losses of each epoch, and some points of the loss curve within it.

    Attributes:
        epochs: losses by epoch.
        losses: steps since training began, and the mean loss of the steps since the previous entry.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self.losses: list[dict[str, float]] = []
        self._steps, self._every = steps, max(1, math.ceil(steps / _LOSS_POINTS_PER_EPOCH))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self._started = time.monotonic()
        self._done, self._total = 0, 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the mean loss of the steps since the last entry; Keras gives the mean since the epoch began."""
        done = batch + 1
        if logs and (done - self._done >= self._every or done == self._steps):
            total = float(logs["loss"]) * done
            mean = (total - self._total) / (done - self._done)
            self.losses.append({"step": len(self.epochs) * self._steps + done, "loss": round(mean, 6)})
            self._done, self._total = done, total

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        seconds = time.monotonic() - self._started
        losses = {name: float(value) for name, value in (logs or {}).items()}
        self.epochs.append({"epoch": epoch + 1, **losses})  # no seconds: the same training gives the same record
        text = ", ".join(f"{name} {value:.5f}" for name, value in losses.items())
        logging.info("Epoch %d: %s in %.1f s.", epoch + 1, text, seconds)


def _make_optimizer(settings: TrainSettings, total_steps: int) -> keras.optimizers.Optimizer:
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "cosine":
        warm_up = max(1, int(total_steps * _WARM_UP_FRACTION))
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=max(1, total_steps - warm_up),
            warmup_target=settings.learning_rate,
            warmup_steps=warm_up,
        )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def write_training_record(record: dict[str, Any], directory: str) -> None:
    """Write the record of a training to `training.json` in the folder `directory`, which may be a URI."""
    tf.io.gfile.makedirs(directory)
    with tf.io.gfile.GFile(posixpath.join(directory, TRAINING_RECORD_FILE), "w") as out:
        out.write(json.dumps(record, indent=1))
