"""`steps:` of the config: retries and time limits, for all steps and for each."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

RetryCount = Annotated[int, Field(ge=0, le=10)]


PositiveSeconds = Annotated[float, Field(gt=0)]


class StepLimits(BaseModel):
    """What one step may take, where it is not what all may."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retries: RetryCount | None = Field(None, description="how often to try again after a fault that passes")
    timeout_s: PositiveSeconds | None = Field(None, description="how long one try may take, in seconds")


class StepsConfig(BaseModel):
    """The `steps:` section: how often a step is tried, and how long it may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retries: RetryCount = Field(2, description="how often a step is tried again after a fault of an engine or a store")
    backoff_s: Annotated[float, Field(ge=0)] = Field(2.0, description="wait before the first; twice as long each time")
    timeout_s: PositiveSeconds | None = Field(None, description="how long one try of a step may take, in seconds")
    overrides: dict[str, StepLimits] = Field(default={}, description="node → its own retries and time limit")

    def limits_for(self, node: str) -> tuple[int, float | None]:
        """Return the retries of a node, and the time limit of each attempt in seconds."""
        own = self.overrides.get(node, StepLimits())
        retries = self.retries if own.retries is None else own.retries
        return retries, self.timeout_s if own.timeout_s is None else own.timeout_s
