"""Reads the result of a run's search from ML Metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flightline.metadata.properties import properties_of
from flightline.metadata.step import Step
from flightline.metadata.tuning import TUNING_PROPERTY, TuningResult


def read_tuning_result(steps: Mapping[str, Step]) -> TuningResult | None:
    """Read the result of the run's search, which may be cached from an earlier run; None without a search."""
    step = steps.get("Tuner")
    artifact = step.output("tuner_results") if step and step.done else None
    text = properties_of(artifact).get(TUNING_PROPERTY) if artifact else None
    return TuningResult.from_dict(json.loads(text)) if text else None
