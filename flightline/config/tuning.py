"""`tune:` of the config: a search for better settings."""

from __future__ import annotations

from pydantic import Field, model_validator

from flightline.config.modeling import HyperparameterValue, ModelSettings, TrainSettings
from flightline.config.section import Section
from flightline.utils.suggestions import suggest_names

DEFAULT_SEARCH_SPACE: dict[str, tuple[HyperparameterValue, ...]] = {
    "train.learning_rate": (3e-4, 5e-4, 1e-3, 2e-3, 3e-3),
    "train.weight_decay": (0.0, 0.01, 0.03, 0.1, 0.3),
    "train.epochs": (1, 2, 3, 4),
    "model.hidden": ((64,), (128,), (192,), (256,), (192, 96)),
    "model.dropout": (0.0, 0.1, 0.2, 0.3, 0.5),
    "model.embedding_width": (4, 8, 16),
    "model.cross_layers": (0, 1, 2, 3),
    "model.cross_order": (1, 2, 3),
}


class TuneSettings(Section):
    """A search for better settings than the config's, before the model is trained; without it, no search."""

    max_trials: int = Field(
        20, ge=1, le=1000, description="Trainings at most; the first has the settings of the config."
    )
    max_minutes: float | None = Field(
        None, gt=0, description="No trial starts after this many minutes, except the first."
    )
    rerun_token: int | str = Field(
        "", description="Any value: changing it makes the next run search again instead of using the cache."
    )
    space: dict[str, tuple[HyperparameterValue, ...]] = Field(
        default=DEFAULT_SEARCH_SPACE, min_length=1, description="Setting, such as `train.epochs`: values to try."
    )

    @model_validator(mode="after")
    def _check_space_settings(self) -> TuneSettings:
        for name, values in self.space.items():
            section, _, key = name.partition(".")
            known = [f"model.{k}" for k in ModelSettings.model_fields] + [
                f"train.{k}" for k in TrainSettings.model_fields
            ]
            if name not in known:
                raise ValueError(f"space: there is no setting {name!r}: {suggest_names(name, known)}")
            for value in values:
                kind = ModelSettings if section == "model" else TrainSettings
                kind.model_validate({key: value})
        return self
