"""The entry point of Tuner: a search, by KerasTuner, for settings with a lower loss on held-out training rows."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.tuner.component import TunerFnResult

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import TuneSettings
from flightline.modeling.model import build_model
from flightline.modeling.objective import make_objective
from flightline.modeling.search_space import apply_hyperparameters, hyperparameter_choices
from flightline.modeling.trainer import category_sizes, train_model
from flightline.modeling.training_data import read_training_data

OBJECTIVE_METRIC = "val_loss"


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """The search that `fn_args.custom_config` asks for; it holds what `models.trainer.run_fn` takes, and `tune`.

    Every trial trains on the same rows of the training split and is judged on the same held-out ones, those of Trainer:
    the evaluation split is left to Evaluator.
    """
    config = fn_args.custom_config
    plan = FeaturePlan.model_validate(config["features"])
    base = ModelSettings.model_validate(config.get("model", {})), TrainSettings.model_validate(config.get("train", {}))
    search = TuneSettings.model_validate(config["tune"])
    folder = Path(fn_args.working_dir)
    (folder / "rows").mkdir(parents=True)
    space = keras_tuner.HyperParameters()
    for name, values in hyperparameter_choices(search.space, *base).items():
        space.Choice(name, values, default=values[0])
    tuner = _HeldOutTuner(
        oracle=_TimedRandomOracle(search, space, base[1].seed),
        directory=str(folder),
        project_name="search",
        overwrite=True,
    )
    sizes = category_sizes(plan, tft.TFTransformOutput(fn_args.transform_graph_path))
    rows = read_training_data(fn_args.train_files, plan, folder / "rows")
    return TunerFnResult(tuner=tuner, fit_kwargs={"rows": rows, "plan": plan, "sizes": sizes, "base": base})


class _TimedRandomOracle(keras_tuner.oracles.RandomSearchOracle):
    """Draws at random, after the settings as they are; no trial begins when the minutes are over."""

    def __init__(self, search: TuneSettings, space: keras_tuner.HyperParameters, seed: int) -> None:
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE_METRIC, "min"),
            max_trials=search.trials,
            hyperparameters=space,
            seed=seed,
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=search.trials + 1,  # whoever asked for the search says what to make of these
        )
        self._deadline = math.inf if search.minutes is None else time.monotonic() + 60 * search.minutes

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            return {"status": "RUNNING", "values": {one.name: one.default for one in self.hyperparameters.space}}
        if time.monotonic() > self._deadline:
            return {"status": "STOPPED"}
        drawn: dict[str, Any] = super().populate_space(trial_id)
        return drawn


class _HeldOutTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains as Trainer does; nothing is kept of a trial but its loss."""

    def search(self, **fit_kwargs: Any) -> None:
        with contextlib.closing(fit_kwargs["rows"]):
            super().search(**fit_kwargs)

    def run_trial(self, trial: Any, rows: Any, plan: FeaturePlan, sizes: Any, base: Any) -> dict[str, float]:
        model_settings, settings = apply_hyperparameters(trial.hyperparameters.values, *base)
        keras.utils.clear_session()
        keras.utils.set_random_seed(settings.seed)
        tf.config.experimental.enable_op_determinism()
        objective = make_objective(plan.target, rows.labels)
        record = train_model(build_model(plan, model_settings, sizes), rows, settings, objective)
        loss = min(epoch[OBJECTIVE_METRIC] for epoch in record["history"])
        if not math.isfinite(loss):
            raise keras_tuner.errors.FailedTrialError(f"the loss on the held-out rows is {loss}")
        return {OBJECTIVE_METRIC: loss}
