"""`window:` of the config: continuous training, one span per run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from flightline.config.section import Section


class WindowConfig(Section):
    """Which earlier spans a model is trained on. It is evaluated on the span of the run."""

    spans: Annotated[int, Field(ge=1)] = Field(description="number of accepted spans before the run's own to train on")
    min_spans: Annotated[int, Field(ge=1)] = Field(
        1, description="number of accepted spans needed to train; until then, runs only ingest their span"
    )
    train_splits: tuple[Literal["train", "eval"], ...] = Field(
        ("train", "eval"),
        min_length=1,
        description="splits of these spans to train on; all rows by default, since evaluation uses the newest span",
    )

    @model_validator(mode="after")
    def _check_window(self) -> WindowConfig:
        if self.min_spans > self.spans:
            raise ValueError(f"min_spans {self.min_spans} is more than the {self.spans} spans of a window")
        if len(set(self.train_splits)) != len(self.train_splits):
            raise ValueError("train_splits names a split twice")
        return self
