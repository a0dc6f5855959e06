"""Which executors stand behind the standard components."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from tfx import v1 as tfx

from flightline.components import fast_evaluator, fast_statistics, fast_transform
from flightline.components.evaluator import make_evaluator
from flightline.config.engines import EngineConfig
from flightline.errors import ConfigError


def select_executors(engine: EngineConfig, vs_champion_confidence: float | None = None) -> SimpleNamespace:
    """The components `StatisticsGen`, `Transform` and `Evaluator` with our executors behind them, or TFX's own.

    Ours do the work in this process: on every engine but the local one it is TFX's that do it. Their inputs, outputs,
    parameters and artifacts are the same, and so is what ML Metadata calls them. Bins and gaps go to either Evaluator.

    Raises:
        ConfigError: a confidence is asked for, and TFX's Evaluator, which knows of none, does the work.
    """
    stock = tfx.components
    if engine.name != "local" or engine.executors == "stock":
        if vs_champion_confidence is not None:
            raise ConfigError(
                "evaluation.vs_champion_confidence needs the score of every row, which TFX's Evaluator does not keep",
                "use engine.name=local with engine.executors=fast, or take the key out",
            )
        return SimpleNamespace(StatisticsGen=stock.StatisticsGen, Transform=stock.Transform, Evaluator=make_evaluator)
    return SimpleNamespace(
        StatisticsGen=fast_statistics.StatisticsGen,
        Transform=fast_transform.Transform,
        Evaluator=partial(fast_evaluator.Evaluator, vs_champion_confidence=vs_champion_confidence),
    )
