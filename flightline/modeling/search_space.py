"""The search space as KerasTuner has it, and settings with the values of a trial. Without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flightline.config.modeling import HyperparameterValue, ModelSettings, TrainSettings


def hyperparameter_choices(
    space: Mapping[str, tuple[HyperparameterValue, ...]], model: ModelSettings, train: TrainSettings
) -> dict[str, list[Any]]:
    """List the values of each setting for KerasTuner, the config's own first: all of one type, lists as JSON."""
    base = {"model": model.model_dump(mode="json"), "train": train.model_dump(mode="json")}
    choices: dict[str, list[Any]] = {}
    for name, values in space.items():
        section, _, key = name.partition(".")
        setting_values = [json.dumps(v) if isinstance(v, list | tuple) else v for v in (base[section][key], *values)]
        if any(isinstance(value, float) for value in setting_values):
            setting_values = [float(value) for value in setting_values]
        choices[name] = list(dict.fromkeys(setting_values))
    return choices


def apply_hyperparameters(
    values: Mapping[str, Any], model: ModelSettings, train: TrainSettings
) -> tuple[ModelSettings, TrainSettings]:
    """Set the values of a trial, by `section.key`, in the settings.

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
