"""What a model must pass to be released, what is kept of releases, and the model card.

The sections `champion:`, `serving_check:`, `release:` and `model_card:` of the config.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flightline.config.section import Section


class ChampionConfig(Section):
    """The model in production, which a candidate is compared with."""

    on_load_failure: Literal["evaluate", "block"] = Field(
        "evaluate",
        description="if its files are missing or broken: `evaluate` the candidate alone and say so, or `block` the run",
    )


class ServingCheckConfig(Section):
    """What an exported model must do in a fresh process before it is released."""

    examples: Annotated[int, Field(ge=1)] = Field(
        200, description="number of examples that the model predicts, without their labels"
    )
    latency_ms: Annotated[float, Field(gt=0)] = Field(
        50.0, description="limit on the 99th percentile of the latency of a request with one example"
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(120.0, description="limit for loading the model and all requests")


class ReleaseConfig(Section):
    """How many releases are kept."""

    keep: Annotated[int, Field(ge=1)] = Field(
        10,
        description="number of newest releases to keep; the current one, its rollback target, canary and shadow stay",
    )


class ModelCardConfig(Section):
    """The model card in the report: plain text, paragraphs separated by an empty line."""

    owners: str = Field("", description="who is responsible for the model")
    contact: str = Field("", description="how to reach the owners")
    intended_use: str = Field("", description="what the model is for, and who uses it")
    limits: str = Field("", description="where the model must not be used, and its known weaknesses")
