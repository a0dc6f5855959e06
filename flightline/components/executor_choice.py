"""The choice between the fast executors and TFX's own, from the config."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tfx import v1 as tfx

from flightline.components import fast_evaluator, fast_statistics, fast_transform
from flightline.components.evaluator import make_evaluator
from flightline.config.engines import EngineConfig
from flightline.errors import ConfigError


class StandardComponents(NamedTuple):
    """Makers of three standard components, each with the executor that was chosen for it."""

    StatisticsGen: Callable[..., Any]
    Transform: Callable[..., Any]
    Evaluator: Callable[..., Any]


def select_executors(engine: EngineConfig, vs_champion_confidence: float | None = None) -> StandardComponents:
    """Chooses the fast executors on the local engine, unless the config says `stock`, and TFX's own on every other one.

    Inputs, outputs, parameters, artifacts and the names in ML Metadata are the same for both. Both Evaluators support
    bins and gaps.

    Raises:
        ConfigError: `vs_champion_confidence` is set, which TFX's own Evaluator does not support.
    """
    stock = tfx.components
    if engine.name != "local" or engine.executors == "stock":
        if vs_champion_confidence is not None:
            raise ConfigError(
                "evaluation.vs_champion_confidence needs the score of every row, which TFX's Evaluator does not keep",
                "use engine.name=local with engine.executors=fast, or remove the key",
            )
        return StandardComponents(
            StatisticsGen=stock.StatisticsGen, Transform=stock.Transform, Evaluator=make_evaluator
        )
    return StandardComponents(
        StatisticsGen=fast_statistics.StatisticsGen,
        Transform=fast_transform.Transform,
        Evaluator=partial(fast_evaluator.Evaluator, vs_champion_confidence=vs_champion_confidence),
    )
