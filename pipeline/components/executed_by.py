"""Which executors stand behind the standard components."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Literal

from tfx import v1 as tfx

from pipeline.components import fast_evaluator, fast_statistics, fast_transform


def executed_by(executors: Literal["fast", "stock"]) -> SimpleNamespace:
    """The components `StatisticsGen`, `Transform` and `Evaluator` with our executors behind them, or TFX's own.

    Their inputs, outputs, parameters and artifacts are the same, and so is what ML Metadata calls them.
    """
    stock = tfx.components
    if executors == "stock":
        return SimpleNamespace(StatisticsGen=stock.StatisticsGen, Transform=stock.Transform, Evaluator=stock.Evaluator)
    return SimpleNamespace(
        StatisticsGen=fast_statistics.StatisticsGen,
        Transform=fast_transform.Transform,
        Evaluator=fast_evaluator.Evaluator,
    )
