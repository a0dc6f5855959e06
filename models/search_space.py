"""What a search for better settings may try: names and values, free of TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import Field, model_validator

from models.settings import ModelSettings, Settings, TrainSettings, suggestion

Value: TypeAlias = bool | int | float | str | tuple[int, ...]

SPACE: dict[str, tuple[Value, ...]] = {
    "train.learning_rate": (3e-4, 5e-4, 1e-3, 2e-3, 3e-3),
    "train.weight_decay": (0.0, 0.01, 0.03, 0.1, 0.3),
    "train.epochs": (1, 2, 3, 4),
    "model.hidden": ((64,), (128,), (192,), (256,), (192, 96)),
    "model.dropout": (0.0, 0.1, 0.2, 0.3, 0.5),
    "model.embedding_width": (4, 8, 16),
    "model.cross_layers": (0, 1, 2, 3),
    "model.cross_order": (1, 2, 3),
}


class TuneSettings(Settings):
    """A search for better settings than the config's, before the model is trained; absent: no search."""

    trials: int = Field(20, ge=1, le=1000, description="Trainings at most; the first is of the settings as they are.")
    minutes: float | None = Field(
        None, gt=0, description="No trial begins after so many minutes; the first always does."
    )
    again: int | str = Field(
        "", description="Any value: another one than at the last search makes the next run search again."
    )
    space: dict[str, tuple[Value, ...]] = Field(
        default=SPACE, min_length=1, description="Setting, such as `train.epochs`: the values to try."
    )

    @model_validator(mode="after")
    def _of_settings(self) -> TuneSettings:
        for name, values in self.space.items():
            section, _, key = name.partition(".")
            known = [f"model.{k}" for k in ModelSettings.model_fields] + [
                f"train.{k}" for k in TrainSettings.model_fields
            ]
            if name not in known:
                raise ValueError(f"space: there is no setting {name!r}: {suggestion(name, known)}")
            for value in values:
                kind = ModelSettings if section == "model" else TrainSettings
                kind.model_validate({key: value})
        return self


def choices(space: Mapping[str, tuple[Value, ...]], model: ModelSettings, train: TrainSettings) -> dict[str, list[Any]]:
    """The values of each setting as KerasTuner takes them, that of the config first: all of one type, lists as JSON."""
    base = {"model": model.model_dump(mode="json"), "train": train.model_dump(mode="json")}
    found: dict[str, list[Any]] = {}
    for name, values in space.items():
        section, _, key = name.partition(".")
        of_name = [json.dumps(v) if isinstance(v, list | tuple) else v for v in (base[section][key], *values)]
        if any(isinstance(value, float) for value in of_name):
            of_name = [float(value) for value in of_name]
        found[name] = list(dict.fromkeys(of_name))
    return found


def with_values(
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
