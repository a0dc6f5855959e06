"""A random search, by KerasTuner, for settings with a lower loss on held-out training rows."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from flightline.config.feature_plan import FeaturePlan
from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import TuneSettings
from flightline.modeling.objective import make_objective
from flightline.modeling.search_space import apply_hyperparameters, hyperparameter_choices
from flightline.modeling.training import make_deterministic, train_model
from flightline.modeling.training_data import TrainingData

OBJECTIVE_METRIC = "val_loss"

# As `models.model.build_model`: of the plan, the network's settings and the number of ids of each category.
ModelBuilder = Callable[[FeaturePlan, ModelSettings, Sequence[int]], keras.Model]


def make_tuner(
    search: TuneSettings, model: ModelSettings, train: TrainSettings, build_model: ModelBuilder, directory: Path
) -> keras_tuner.engine.base_tuner.BaseTuner:
    """Make the tuner of a search.

    Args:
        search: what to try, and how long.
        model, train: the settings of the config, which the first trial has.
        build_model: the user's function.
        directory: for KerasTuner's files.

    Returns:
        a tuner whose `search` takes `rows` (TrainingData, closed at the end), `plan` and `sizes` (number of ids of each
        category).
    """
    space = keras_tuner.HyperParameters()
    for name, values in hyperparameter_choices(search.space, model, train).items():
        space.Choice(name, values, default=values[0])
    oracle = _TimedRandomOracle(search, space, train.seed)
    return _HeldOutTuner(
        build_model, model, train, oracle=oracle, directory=str(directory), project_name="search", overwrite=True
    )


class _TimedRandomOracle(keras_tuner.oracles.RandomSearchOracle):
    """Draws settings at random, after a first trial of the config's own; starts no trial once the time is over."""

    def __init__(self, search: TuneSettings, space: keras_tuner.HyperParameters, seed: int) -> None:
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE_METRIC, "min"),
            max_trials=search.max_trials,
            hyperparameters=space,
            seed=seed,
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=search.max_trials + 1,  # the Tuner component decides what failed trials mean
        )
        self._deadline = math.inf if search.max_minutes is None else time.monotonic() + 60 * search.max_minutes

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            defaults = {parameter.name: parameter.default for parameter in self.hyperparameters.space}
            return {"status": "RUNNING", "values": defaults}
        if time.monotonic() > self._deadline:
            return {"status": "STOPPED"}
        drawn: dict[str, Any] = super().populate_space(trial_id)
        return drawn


class _HeldOutTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains the network of each trial as Trainer does, without trees, and keeps its loss alone."""

    def __init__(
        self, build_model: ModelBuilder, model: ModelSettings, train: TrainSettings, **tuner_args: Any
    ) -> None:
        super().__init__(**tuner_args)
        self._build_model, self._model_settings, self._train_settings = build_model, model, train

    def search(self, **fit_kwargs: Any) -> None:
        """Run all trials, then close the rows."""
        with contextlib.closing(fit_kwargs["rows"]):
            super().search(**fit_kwargs)

    def run_trial(self, trial: Any, rows: TrainingData, plan: FeaturePlan, sizes: Sequence[int]) -> dict[str, float]:
        """Train with the settings of a trial and return its lowest loss on the held-out rows."""
        values = trial.hyperparameters.values
        model_settings, train_settings = apply_hyperparameters(values, self._model_settings, self._train_settings)
        keras.utils.clear_session()
        make_deterministic(train_settings.seed)
        objective = make_objective(plan.target, rows.labels)
        record = train_model(self._build_model(plan, model_settings, sizes), rows, train_settings, objective)
        loss = min(epoch[OBJECTIVE_METRIC] for epoch in record["history"])
        if not math.isfinite(loss):
            raise keras_tuner.errors.FailedTrialError(f"the loss on the held-out rows is {loss}")
        return {OBJECTIVE_METRIC: loss}
