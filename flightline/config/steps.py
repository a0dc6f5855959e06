"""`steps:` of the config: retries and time limits of steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flightline.config.section import Section

RetryCount = Annotated[int, Field(ge=0, le=10)]
PositiveSeconds = Annotated[float, Field(gt=0)]


class StepLimits(Section):
    """Limits of one step that differ from those of all steps."""

    retries: RetryCount | None = Field(None, description="how often to try again after a transient error")
    timeout_s: PositiveSeconds | None = Field(None, description="time limit of one attempt, in seconds")


class StepsConfig(Section):
    """How often a failed step is tried again, and how long an attempt may take."""

    retries: RetryCount = Field(
        2, description="how often a step is tried again after a transient error of an engine or a store"
    )
    backoff_s: Annotated[float, Field(ge=0)] = Field(
        2.0, description="wait before the first retry, in seconds; doubled for each further one"
    )
    timeout_s: PositiveSeconds | None = Field(None, description="time limit of one attempt of a step, in seconds")
    verify_artifacts: Literal["digests", "sizes"] = Field(
        "digests",
        description="how artifacts are compared with their record before a step reads them or the cache hands them "
        "out: by content, or by size alone; models and releases are always compared by content",
    )
    overrides: dict[str, StepLimits] = Field(default={}, description="node → other limits for this step")

    def limits_for(self, node: str) -> tuple[int, float | None]:
        """Return the retries of a node, and the time limit of each attempt in seconds."""
        own = self.overrides.get(node, StepLimits())
        retries = self.retries if own.retries is None else own.retries
        return retries, self.timeout_s if own.timeout_s is None else own.timeout_s
