"""`evaluation:` of the config: metrics, slices, thresholds, gaps between slices."""

import math
from typing import Any

from pydantic import Field, field_validator, model_validator

from flightline.config.section import Section
from flightline.serving.target import Task
from flightline.utils.suggestions import suggest_names

# Task -> metric of TFMA -> +1 if higher is better, -1 if lower is better, 0 if neither.
TASK_METRICS: dict[Task, dict[str, int]] = {
    "binary": {
        "ExampleCount": 0,
        "AUC": 1,
        "AUCPrecisionRecall": 1,
        "BinaryAccuracy": 1,
        "BinaryCrossentropy": -1,  # log loss
        "Calibration": 0,
        "Precision": 1,
        "Recall": 1,
    },
    "multiclass": {
        "ExampleCount": 0,
        "SparseCategoricalAccuracy": 1,
        "SparseCategoricalCrossentropy": -1,  # log loss
    },
    "regression": {
        "ExampleCount": 0,
        "MeanAbsoluteError": -1,
        "MeanSquaredError": -1,
        "RootMeanSquaredError": -1,
        "SquaredPearsonCorrelation": 1,  # r²; of predictions unrelated to the label, about 1/rows
    },
}
METRIC_DIRECTION = {metric: sign for metrics in TASK_METRICS.values() for metric, sign in metrics.items()}
"""Metric -> which direction is better."""


class MetricBounds(Section):
    """What one metric must reach for the model to be blessed."""

    lower: float | None = Field(None, description="Least value allowed.")
    upper: float | None = Field(None, description="Greatest value allowed.")
    vs_champion: float | None = Field(
        None, ge=0, description="By how much the metric may be worse than the champion's, in its own unit."
    )

    @model_validator(mode="after")
    def _require_bound(self) -> "MetricBounds":
        if self.lower is None and self.upper is None and self.vs_champion is None:
            raise ValueError("a threshold needs at least one of lower, upper, vs_champion")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {self.lower} is above upper {self.upper}: nothing could pass")
        return self


def _check_metrics(thresholds: dict[str, MetricBounds]) -> dict[str, MetricBounds]:
    for metric, bounds in thresholds.items():
        if metric not in METRIC_DIRECTION:
            raise ValueError(f"unknown metric {metric!r}: {suggest_names(metric, METRIC_DIRECTION)}")
        if bounds.vs_champion is not None and METRIC_DIRECTION[metric] == 0:
            raise ValueError(f"{metric}: neither higher nor lower is better: use lower and upper, not vs_champion")
    return thresholds


class SliceBounds(Section):
    """Thresholds that hold for every value of one slice."""

    slice: tuple[str, ...] = Field(min_length=1, description="Columns whose values slice the evaluation rows.")
    thresholds: dict[str, MetricBounds] = Field(min_length=1, description="Metric name: what it must reach.")

    _check_thresholds = field_validator("thresholds")(_check_metrics)


class BinSettings(Section):
    """How a numeric column is binned for slicing. A plain list is read as `edges`."""

    edges: tuple[float, ...] | None = Field(
        None, min_length=1, description="Where one bin ends and the next, which includes the edge, begins."
    )
    quantiles: int | None = Field(
        None, ge=2, le=10, description="Number of about equally filled bins, by the statistics of the training split."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_edge_list(cls, raw: Any) -> Any:
        return {"edges": raw} if isinstance(raw, list | tuple) else raw

    @model_validator(mode="after")
    def _require_edges_or_quantiles(self) -> "BinSettings":
        if (self.edges is None) == (self.quantiles is None):
            raise ValueError("bins are a list of edges, or {quantiles: N}")
        edges = self.edges or ()
        if not all(map(math.isfinite, edges)) or list(edges) != sorted(set(edges)):
            raise ValueError(f"edges must be finite and ascend, not {list(edges)}")
        return self


class GapBounds(Section):
    """How far the best and the worst slice may be apart."""

    columns: tuple[str, ...] = Field(
        min_length=1, description="Columns that slice the evaluation rows; one, or a list."
    )
    max_gap: float = Field(ge=0, description="Greatest difference allowed, in the metric's own unit.")
    min_slice_size: int = Field(100, ge=1, description="Slices with fewer rows are not compared.")

    @field_validator("columns", mode="before")
    @classmethod
    def _accept_single_column(cls, raw: Any) -> Any:
        return (raw,) if isinstance(raw, str) else raw


class EvaluationSettings(Section):
    """The slices that metrics are computed on, and what a model must reach to be blessed."""

    slices: tuple[tuple[str, ...], ...] = Field((), description="Lists of columns; the whole set is always a slice.")
    bins: dict[str, BinSettings] = Field(
        default_factory=dict, description="Numeric column: its bins, used wherever the column is in a slice."
    )
    thresholds: dict[str, MetricBounds] = Field(
        default_factory=dict, description="Metric name: what it must reach on the whole evaluation set."
    )
    per_slice: tuple[SliceBounds, ...] = Field((), description="Thresholds on every value of a slice.")
    gaps: dict[str, tuple[GapBounds, ...]] = Field(
        default_factory=dict, description="Metric name: how far apart its best and its worst slice may be."
    )
    vs_champion_confidence: float | None = Field(
        None,
        gt=0.5,
        lt=1,
        description="Confidence with which AUC and BinaryAccuracy on the whole set must not be worse than their "
        "`vs_champion` allows; without it, the measured difference decides.",
    )

    _check_thresholds = field_validator("thresholds")(_check_metrics)

    @field_validator("gaps", mode="before")
    @classmethod
    def _accept_single_gap(cls, gaps: Any) -> Any:
        if not isinstance(gaps, dict):
            return gaps
        return {metric: bounds if isinstance(bounds, list | tuple) else (bounds,) for metric, bounds in gaps.items()}

    @field_validator("gaps")
    @classmethod
    def _check_gap_metrics(cls, gaps: dict[str, tuple[GapBounds, ...]]) -> dict[str, tuple[GapBounds, ...]]:
        known = sorted(set(METRIC_DIRECTION) - {"ExampleCount"})
        for metric in gaps:
            if metric not in known:
                raise ValueError(f"there is no gap in {metric!r}: {suggest_names(metric, known)}")
        return gaps

    @model_validator(mode="after")
    def _require_used_bins(self) -> "EvaluationSettings":
        for column in self.bins:
            if not any(column in columns for columns in self.slice_columns):
                raise ValueError(f"bins: {column} is in no slice, per_slice or gap: nothing uses its bins")
        return self

    @property
    def slice_columns(self) -> tuple[tuple[str, ...], ...]:
        """All lists of columns that slice the evaluation rows, each once."""
        with_thresholds = [bounds.slice for bounds in self.per_slice]
        with_gaps = [bounds.columns for metric_gaps in self.gaps.values() for bounds in metric_gaps]
        return tuple(dict.fromkeys([*self.slices, *with_thresholds, *with_gaps]))
