"""What a user may set about features, model, training and evaluation: frozen, validated, free of TensorFlow."""

import difflib
import math
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Task = Literal["binary", "multiclass", "regression"]

# By task, the metrics of TFMA -> +1 where more is better, -1 where less is better, 0 where neither is.
METRICS: dict[Task, dict[str, int]] = {
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
        "SquaredPearsonCorrelation": 1,  # r²: of answers that have nothing to do with the label, about 1/rows
    },
}
BETTER = {metric: sign for metrics in METRICS.values() for metric, sign in metrics.items()}
"""Of every metric, which way is better."""


def suggestion(unknown: str, known: Iterable[str]) -> str:
    """The tail of an error message: the close matches of a name, or all that there is."""
    known = sorted(known)
    by_letters = {name.casefold(): name for name in known}  # `auc` is meant for `AUC`
    close = [by_letters[found] for found in difflib.get_close_matches(unknown.casefold(), by_letters, n=3)]
    return f"did you mean {' or '.join(close)}?" if close else f"there is: {', '.join(known) or 'nothing'}"


class Settings(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureSettings(Settings):
    """What Transform makes of the columns. A change here is a change of the transform graph."""

    exclude: tuple[str, ...] = Field((), description="Columns that the model does not see: identifiers, leaks.")
    categorical: tuple[str, ...] = Field((), description="Integer columns whose values are names, not amounts.")
    bucketised: tuple[str, ...] = Field(
        (), description="Number columns that become a category too, by quantile bucket: they can then be crossed."
    )
    bucket_count: int = Field(10, ge=2, description="Quantile buckets of each column in `bucketised`.")
    quantile_bins: int = Field(
        32,
        ge=0,
        le=1024,
        description="Quantile bins that encode a number piecewise-linearly; 0 standardises to z-scores instead.",
    )
    vocabulary_size: int = Field(5000, ge=1, description="Most frequent values of a category that get an id.")
    min_count: int = Field(5, ge=1, description="Rows of the training split that a value needs to get an id.")
    oov_buckets: int = Field(1, ge=1, description="Ids shared, by hash, among the values without one of their own.")

    @model_validator(mode="after")
    def _one_role_each(self) -> "FeatureSettings":
        for name in set(self.exclude) & {*self.categorical, *self.bucketised}:
            raise ValueError(f"column {name!r} is in `exclude` and in `categorical` or `bucketised`: keep one")
        for name in set(self.categorical) & set(self.bucketised):
            raise ValueError(f"column {name!r} is both `categorical` and `bucketised`: keep one")
        return self


class ModelSettings(Settings):
    """Shape of the wide and deep network."""

    embedding_width: int = Field(8, ge=1, description="Numbers that stand for one value of a category or cross.")
    cross_order: int = Field(3, ge=1, le=4, description="Most categories in one cross; 1 crosses nothing.")
    max_crosses: int = Field(64, ge=0, description="Crosses at most; those with fewest combinations come first.")
    max_cross_size: int = Field(10_000, ge=1, description="Combinations of values that one cross may have at most.")
    wide: bool = Field(True, description="One linear weight for every value of every category and cross.")
    projection: int = Field(128, ge=0, description="Units that all features are projected to; 0 leaves them as is.")
    cross_layers: int = Field(2, ge=0, description="Low-rank DCN-v2 layers after the projection.")
    cross_rank: int = Field(64, ge=1, description="Rank of their matrices.")
    hidden: tuple[int, ...] = Field((192,), description="Units of the hidden layers, first to last.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of hidden units dropped in training.")
    trees: int = Field(
        0, ge=0, le=1000, description="Rounds of boosted trees, whose answers are averaged with the network's; 0: none."
    )
    tree_leaves: int = Field(15, ge=2, le=64, description="Leaves of a tree at most.")
    tree_learning_rate: float = Field(0.06, gt=0, le=1, description="How much of what is still wrong a tree corrects.")

    @field_validator("hidden")
    @classmethod
    def _positive(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if any(units < 1 for units in hidden):
            raise ValueError(f"hidden layers need at least one unit each, not {hidden}")
        return hidden


class TrainSettings(Settings):
    """How long and how fast the model learns."""

    epochs: int = Field(2, ge=1, description="Passes over the training rows at most.")
    min_steps: int = Field(
        150, ge=0, description="Optimiser steps to allow at least: small tables then get more epochs than `epochs`."
    )
    batch_size: int = Field(2048, ge=1, description="Rows per optimiser step at most.")
    min_steps_per_epoch: int = Field(
        100, ge=0, description="The batch is halved (down to 32 rows) until an epoch has this many steps; 0: never."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate of AdamW.")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="Learning rate over time; cosine warms up over the first tenth of the steps."
    )
    weight_decay: float = Field(0.1, ge=0, description="Decoupled weight decay; 0 makes AdamW plain Adam.")
    validation_share: float = Field(
        0.05, ge=0, lt=1, description="Part of the training split held out for early stopping; 0: no early stopping."
    )
    patience: int = Field(3, ge=0, description="Epochs without a better held-out loss before training stops.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of weights, dropout, row order and the held-out rows.")


class MetricBounds(Settings):
    """What one metric must reach for the model to be blessed."""

    lower: float | None = Field(None, description="Least value allowed.")
    upper: float | None = Field(None, description="Greatest value allowed.")
    vs_champion: float | None = Field(
        None, ge=0, description="Loss allowed against the model in production, in the metric's own unit."
    )

    @model_validator(mode="after")
    def _bounds_something(self) -> "MetricBounds":
        if self.lower is None and self.upper is None and self.vs_champion is None:
            raise ValueError("a threshold needs at least one of lower, upper, vs_champion")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {self.lower} is above upper {self.upper}: nothing could pass")
        return self


def _check_metrics(thresholds: dict[str, MetricBounds]) -> dict[str, MetricBounds]:
    for metric, bounds in thresholds.items():
        if metric not in BETTER:
            raise ValueError(f"unknown metric {metric!r}: {suggestion(metric, BETTER)}")
        if bounds.vs_champion is not None and BETTER[metric] == 0:
            raise ValueError(f"{metric} is neither better high nor low: bound it by lower and upper, not vs_champion")
    return thresholds


class SliceBounds(Settings):
    """Thresholds that hold for every value of one slice."""

    slice: tuple[str, ...] = Field(min_length=1, description="Columns that cut the evaluation rows.")
    thresholds: dict[str, MetricBounds] = Field(min_length=1, description="Metric name: what it must reach.")

    _metrics = field_validator("thresholds")(_check_metrics)


class BinSettings(Settings):
    """How a number column is cut, so that it can be sliced by. A list is taken for `edges`."""

    edges: tuple[float, ...] | None = Field(
        None, min_length=1, description="Where one bin ends and the next, which holds the edge itself, begins."
    )
    quantiles: int | None = Field(
        None, ge=2, le=10, description="So many about equally filled bins, by the statistics of the training split."
    )

    @model_validator(mode="before")
    @classmethod
    def _a_list_is_edges(cls, given: Any) -> Any:
        return {"edges": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _one_way_to_cut(self) -> "BinSettings":
        if (self.edges is None) == (self.quantiles is None):
            raise ValueError("bins are a list of edges, or {quantiles: N}")
        edges = self.edges or ()
        if not all(map(math.isfinite, edges)) or list(edges) != sorted(set(edges)):
            raise ValueError(f"edges must be finite and ascend, not {list(edges)}")
        return self


class GapBounds(Settings):
    """How far the best and the worst slice may be apart."""

    by: tuple[str, ...] = Field(min_length=1, description="Columns that cut the evaluation rows; one, or a list.")
    at_most: float = Field(ge=0, description="Greatest difference allowed, in the metric's own unit.")
    least_rows: int = Field(100, ge=1, description="Slices with fewer rows are not compared.")

    @field_validator("by", mode="before")
    @classmethod
    def _one_column(cls, by: Any) -> Any:
        return (by,) if isinstance(by, str) else by


class EvaluationSettings(Settings):
    """The metrics' cuts and the gates on them."""

    slices: tuple[tuple[str, ...], ...] = Field((), description="Lists of columns; the whole set is always there.")
    bins: dict[str, BinSettings] = Field(
        default_factory=dict, description="Number column: its bins, by which it is sliced wherever it is named."
    )
    thresholds: dict[str, MetricBounds] = Field(
        default_factory=dict, description="Metric name: what it must reach on the whole evaluation set."
    )
    per_slice: tuple[SliceBounds, ...] = Field((), description="Thresholds on every value of a slice.")
    gaps: dict[str, tuple[GapBounds, ...]] = Field(
        default_factory=dict, description="Metric name: how far its best and its worst slice may be apart."
    )
    vs_champion_confidence: float | None = Field(
        None,
        gt=0.5,
        lt=1,
        description="Confidence with which AUC and BinaryAccuracy on the whole set must not be worse than their "
        "`vs_champion` allows; without it the difference as measured decides.",
    )

    _metrics = field_validator("thresholds")(_check_metrics)

    @field_validator("gaps", mode="before")
    @classmethod
    def _one_gap(cls, gaps: Any) -> Any:
        if not isinstance(gaps, dict):
            return gaps
        return {metric: found if isinstance(found, list | tuple) else (found,) for metric, found in gaps.items()}

    @field_validator("gaps")
    @classmethod
    def _comparable(cls, gaps: dict[str, tuple[GapBounds, ...]]) -> dict[str, tuple[GapBounds, ...]]:
        known = sorted(set(BETTER) - {"ExampleCount"})
        for metric in gaps:
            if metric not in known:
                raise ValueError(f"no gap can be held in {metric!r}: {suggestion(metric, known)}")
        return gaps

    @model_validator(mode="after")
    def _bins_are_used(self) -> "EvaluationSettings":
        for column in self.bins:
            if not any(column in columns for columns in self.cuts):
                raise ValueError(f"bins: {column} is in no slice, per_slice or gap: nothing would use its bins")
        return self

    @property
    def cuts(self) -> tuple[tuple[str, ...], ...]:
        """All lists of columns that the evaluation rows are cut by, each once."""
        held = [bounds.slice for bounds in self.per_slice]
        compared = [bounds.by for of_metric in self.gaps.values() for bounds in of_metric]
        return tuple(dict.fromkeys([*self.slices, *held, *compared]))
