"""The entry point of Trainer: transformed examples in, SavedModel and a record of the training out."""

import contextlib
import dataclasses
import json
import math
import posixpath
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging

from flightline.config.feature_plan import FeaturePlan, vocabulary_name
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.modeling.export import export_model
from flightline.modeling.model import OUTPUT_LAYER, build_model
from flightline.modeling.objective import Objective, make_objective
from flightline.modeling.search_space import apply_hyperparameters
from flightline.modeling.training_data import TrainingData, ordered_batches, read_training_data, shuffled_batches
from flightline.modeling.tree_blend import fit_tree_blend

TRAINING_RECORD_FILE = "training.json"
_MIN_BATCH_ROWS = 32
_LOSS_POINTS_PER_EPOCH = 20  # points of the loss curve
_WARM_UP_FRACTION = 0.1
# Keras' own work for a step is a third of a small one's cost: where there are many, it is done once for several.
_GROUPED_STEPS, _MIN_STEPS_TO_GROUP = 8, 800


def run_fn(fn_args: Any) -> None:
    """Trains on the whole training split by `fn_args.custom_config` and exports the model.

    `custom_config` holds dumped settings: `features` (FeaturePlan), `model` (ModelSettings), `train`
    (TrainSettings); values that a search has found (`fn_args.hyperparameters`) take the place of these. How long to
    train is theirs to say: `train_args.num_steps` is not read. The evaluation split is left to Evaluator; early
    stopping uses a part of the training split.

    Writes the SavedModel to `fn_args.serving_model_dir` and `training.json` to `fn_args.model_run_dir`.

    Raises:
        ValueError: no transformed examples, or labels that are none of the task.
        pydantic.ValidationError: settings out of bounds or unknown.
    """
    config = fn_args.custom_config
    plan = FeaturePlan.model_validate(config["features"])
    model_settings = ModelSettings.model_validate(config.get("model", {}))
    settings = TrainSettings.model_validate(config.get("train", {}))
    found = (getattr(fn_args, "hyperparameters", None) or {}).get("values", {})  # by a search, where there was one
    model_settings, settings = apply_hyperparameters(found, model_settings, settings)
    transform = tft.TFTransformOutput(fn_args.transform_output)

    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    model = build_model(plan, model_settings, category_sizes(plan, transform))
    clock = [time.monotonic()]
    with (
        tempfile.TemporaryDirectory(prefix="rows-") as directory,
        contextlib.closing(read_training_data(fn_args.train_files, plan, Path(directory))) as rows,
    ):
        clock.append(time.monotonic())
        objective = make_objective(plan.target, rows.labels)
        record = train_model(model, rows, settings, objective)
        held_out, _ = split_held_out(len(rows), settings)
        beside = fit_tree_blend(model, rows, held_out, model_settings, objective, settings.seed)
        record |= (
            {"trees": beside.trees.count, "tree_blend_weight": beside.share} if beside is not None else {"trees": 0}
        )
        clock.append(time.monotonic())
    export_model(model, beside, plan, objective, transform, fn_args.serving_model_dir)
    clock.append(time.monotonic())
    seconds = dict(zip(("read", "fit", "export"), np.diff(clock).round(3).tolist(), strict=True))
    logging.info("Exported to %s; seconds: %s.", fn_args.serving_model_dir, seconds)
    _write_record(record, fn_args.model_run_dir)


def train_model(
    model: keras.Model, rows: TrainingData, settings: TrainSettings, objective: Objective
) -> dict[str, Any]:
    """Fits `model` in place and returns what happened, ready for JSON.

    The held-out rows are drawn by `settings.seed`; where there are any, the model ends with the weights of the
    epoch that did best on them.
    """
    held_out, kept = split_held_out(len(rows), settings)
    batch_size, steps, epochs = plan_steps(len(kept), settings)
    logging.info(
        "Training on %d rows, %d held out: %d steps of %d rows an epoch, %d epochs at most.",
        *(len(kept), len(held_out), steps, batch_size, epochs),
    )
    rows = dataclasses.replace(rows, labels=objective.scaled(rows.labels))
    model.get_layer(OUTPUT_LAYER).bias.assign(objective.start)
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
        **objective.about,
        "parameters": model.count_params(),
        "batch_size": batch_size,
        "steps_per_epoch": steps,
        "epochs": len(log.epochs),
        "best_epoch": best["epoch"],
        "history": log.epochs,
        "losses": log.losses,
    }


def split_held_out(rows: int, settings: TrainSettings) -> tuple[np.ndarray, np.ndarray]:
    """The places of the rows that are held out, and of those to train on, drawn by `settings.seed`."""
    order = np.random.default_rng(settings.seed).permutation(rows)
    held_out, kept = np.split(order, [int(rows * settings.validation_share)])
    return held_out, kept


def plan_steps(rows: int, settings: TrainSettings) -> tuple[int, int, int]:
    """Batch size, steps an epoch and epochs for so many training rows."""
    if rows < 1:
        raise ValueError("no rows are left to train on: lower train.validation_share or bring more data")
    batch_size = settings.batch_size
    while batch_size // 2 >= _MIN_BATCH_ROWS and rows // batch_size < settings.min_steps_per_epoch:
        batch_size //= 2
    batch_size = min(batch_size, rows)
    steps = rows // batch_size
    steps -= steps % _steps_per_execution(steps)  # the rows that are left are in the next pass
    return batch_size, steps, max(settings.epochs, math.ceil(settings.min_steps / steps))


def _steps_per_execution(steps: int) -> int:
    return _GROUPED_STEPS if steps >= _MIN_STEPS_TO_GROUP else 1


class _LossHistory(keras.callbacks.Callback):
    """Keeps and logs what each epoch reached, and the loss on the way there.

    Attributes:
        epochs: losses and seconds by epoch.
        losses: steps done since the start, and the mean loss of the steps since the entry before.
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
        """Keras' loss is the mean since the epoch began; what is kept is that of the steps since the last entry."""
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
        shown = ", ".join(f"{name} {value:.5f}" for name, value in losses.items())
        logging.info("Epoch %d: %s in %.1f s.", epoch + 1, shown, seconds)


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


def category_sizes(plan: FeaturePlan, transform: tft.TFTransformOutput) -> tuple[int, ...]:
    """How many ids each category of the plan has, by the vocabularies of its Transform."""
    names = [category.name for category in plan.categories if category.source == "vocabulary"]
    return plan.category_sizes({name: transform.vocabulary_size_by_name(vocabulary_name(name)) for name in names})


def _write_record(record: dict[str, Any], directory: str) -> None:
    tf.io.gfile.makedirs(directory)
    with tf.io.gfile.GFile(posixpath.join(directory, TRAINING_RECORD_FILE), "w") as out:
        out.write(json.dumps(record, indent=1))
