"""Which executors stand behind the standard components."""

from __future__ import annotations

from types import SimpleNamespace

from tfx import v1 as tfx

from pipeline.components import fast_evaluator, fast_statistics, fast_transform
from pipeline.engines.settings import EngineConfig


def executed_by(engine: EngineConfig) -> SimpleNamespace:
    """The components `StatisticsGen`, `Transform` and `Evaluator` with our executors behind them, or TFX's own.

    Ours do the work in this process: on every engine but the local one it is TFX's that do it. Their inputs, outputs,
    parameters and artifacts are the same, and so is what ML Metadata calls them.
    """
    stock = tfx.components
    if engine.name != "local" or engine.executors == "stock":
        return SimpleNamespace(StatisticsGen=stock.StatisticsGen, Transform=stock.Transform, Evaluator=stock.Evaluator)
    return SimpleNamespace(
        StatisticsGen=fast_statistics.StatisticsGen,
        Transform=fast_transform.Transform,
        Evaluator=fast_evaluator.Evaluator,
    )
