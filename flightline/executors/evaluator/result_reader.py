"""Reads TFMA's results: metrics by slice, of the candidate or the champion."""

from __future__ import annotations

import json
import math
from typing import Any

import tensorflow_model_analysis as tfma
from tfx.dsl.io import fileio

from flightline.metadata.evaluation import OVERALL

CANDIDATE, BASELINE = "candidate", "baseline"  # the Evaluator's names of the models, if there are two


def has_baseline(uri: str) -> bool:
    """Whether two models were compared.

    The inputs of the execution do not say so: ML Metadata keeps one event for each artifact, and candidate and champion
    are the same artifact if nothing has changed.
    """
    with fileio.open(f"{uri}/eval_config.json") as file:
        specs = json.load(file)["evalConfig"]["modelSpecs"]
    return any(spec.get("isBaseline") for spec in specs)


def read_slices(uri: str, model: str | None = None) -> list[tuple[list[tuple[str, str]], dict[str, float]]]:
    """Read the (feature, value) pairs of each slice, and its scalar metrics that have a value.

    Precision, for example, has none where no row is predicted positive.
    """
    return [
        (
            [(name, _to_text(value)) for name, value in slice_key],
            {
                name: float(value["doubleValue"])
                for name, value in by_output.get("", {}).get("", {}).items()
                if math.isfinite(float(value.get("doubleValue", math.nan))) and not name.endswith("_diff")
            },
        )
        for slice_key, by_output in tfma.load_eval_result(uri, model_name=model).slicing_metrics
    ]


def slice_name(slice_key: Any) -> str:
    """Format a slice key of TFMA as `feature=value,...`; `overall` for all rows."""
    return ",".join(f"{name}={_to_text(value)}" for name, value in slice_key) or OVERALL


def _to_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
