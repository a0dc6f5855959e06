"""What a search for better settings may try: names and values, free of TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import HyperparameterValue


def hyperparameter_choices(
    space: Mapping[str, tuple[HyperparameterValue, ...]], model: ModelSettings, train: TrainSettings
) -> dict[str, list[Any]]:
    """The values of each setting as KerasTuner takes them, that of the config first: all of one type, lists as JSON."""
    base = {"model": model.model_dump(mode="json"), "train": train.model_dump(mode="json")}
    found: dict[str, list[Any]] = {}
    for name, values in space.items():
        section, _, key = name.partition(".")
        setting_values = [json.dumps(v) if isinstance(v, list | tuple) else v for v in (base[section][key], *values)]
        if any(isinstance(value, float) for value in setting_values):
            setting_values = [float(value) for value in setting_values]
        found[name] = list(dict.fromkeys(setting_values))
    return found


def apply_hyperparameters(
    values: Mapping[str, Any], model: ModelSettings, train: TrainSettings
) -> tuple[ModelSettings, TrainSettings]:
    """The settings with the values of a trial.

    Raises:
        pydantic.ValidationError: a value is out of bounds.
    """
    settings = {"model": model.model_dump(), "train": train.model_dump()}
    for name, value in values.items():
        section, _, key = name.partition(".")
        if key in settings.get(section, {}):
            is_list = isinstance(settings[section][key], tuple) and isinstance(value, str)
            settings[section][key] = json.loads(value) if is_list else value
    return ModelSettings.model_validate(settings["model"]), TrainSettings.model_validate(settings["train"])
