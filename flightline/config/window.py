"""The config section `window`: continuous training, a span a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class WindowConfig(BaseModel):
    """Which earlier spans a model is trained on; the span of the run is what it is judged on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spans: Annotated[int, Field(ge=1)] = Field(
        description="train on the last so many accepted spans before the one that the run takes in"
    )
    min_spans: Annotated[int, Field(ge=1)] = Field(
        1, description="accepted spans that must be there before anything is trained; until then spans are taken in"
    )
    train_splits: tuple[Literal["train", "eval"], ...] = Field(
        ("train", "eval"),
        min_length=1,
        description="splits of the window that are trained on: all rows, since models are judged on the newest span",
    )

    @model_validator(mode="after")
    def _check_window(self) -> WindowConfig:
        if self.min_spans > self.spans:
            raise ValueError(f"min_spans {self.min_spans} is more than the {self.spans} spans that a window holds")
        if len(set(self.train_splits)) != len(self.train_splits):
            raise ValueError("train_splits names a split twice")
        return self
