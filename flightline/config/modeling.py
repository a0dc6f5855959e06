"""`features:`, `model:` and `train:` of the config."""

from typing import Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from flightline.config.section import Section

HyperparameterValue: TypeAlias = bool | int | float | str | tuple[int, ...]
"""A value of a setting, as a search may try it."""


class FeatureSettings(Section):
    """How Transform turns columns into features. A change here changes the transform graph."""

    exclude: tuple[str, ...] = Field(
        (), description="Columns that the model does not see: identifiers, or what leaks the label."
    )
    categorical: tuple[str, ...] = Field((), description="Integer columns whose values are categories, not quantities.")
    bucketised: tuple[str, ...] = Field(
        (), description="Numeric columns that also become a category, by quantile bucket: they can then be crossed."
    )
    bucket_count: int = Field(10, ge=2, description="Quantile buckets of each column in `bucketised`.")
    quantile_bins: int = Field(
        32,
        ge=0,
        le=1024,
        description="Quantile bins of the piecewise-linear encoding of numbers; 0: z-scores instead.",
    )
    vocabulary_size: int = Field(
        5000, ge=1, description="Number of values of a category that get an id, the most frequent first."
    )
    min_count: int = Field(
        5, ge=1, description="Rows of the training split that must have a value for it to get an id."
    )
    oov_buckets: int = Field(1, ge=1, description="Ids that all other values share, by hash.")

    @model_validator(mode="after")
    def _check_single_role(self) -> "FeatureSettings":
        for name in set(self.exclude) & {*self.categorical, *self.bucketised}:
            raise ValueError(f"column {name!r} is in `exclude` and in `categorical` or `bucketised`: keep one")
        for name in set(self.categorical) & set(self.bucketised):
            raise ValueError(f"column {name!r} is both `categorical` and `bucketised`: keep one")
        return self


class ModelSettings(Section):
    """Shape of the wide and deep network, and the boosted trees blended with it."""

    embedding_width: int = Field(8, ge=1, description="Size of the embedding of a category's or cross's value.")
    cross_order: int = Field(3, ge=1, le=4, description="Categories in one cross, at most; 1: no crosses.")
    max_crosses: int = Field(64, ge=0, description="Crosses at most; those with fewest combinations come first.")
    max_cross_size: int = Field(10_000, ge=1, description="Combinations of values in one cross, at most.")
    wide: bool = Field(True, description="One linear weight for every value of every category and cross.")
    projection: int = Field(128, ge=0, description="Units that all features are projected to; 0: no projection.")
    cross_layers: int = Field(2, ge=0, description="Low-rank DCN-v2 layers after the projection.")
    cross_rank: int = Field(64, ge=1, description="Rank of their matrices.")
    hidden: tuple[int, ...] = Field((192,), description="Units of the hidden layers, first to last.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Fraction of hidden units dropped in training.")
    trees: int = Field(
        0,
        ge=0,
        le=1000,
        description="Rounds of boosted trees, blended with the network; held-out rows set the weight; 0: no trees.",
    )
    tree_leaves: int = Field(31, ge=2, le=64, description="Leaves of a tree, at most.")
    tree_learning_rate: float = Field(0.06, gt=0, le=1, description="Learning rate (shrinkage) of each tree.")

    @field_validator("hidden")
    @classmethod
    def _check_units(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if any(units < 1 for units in hidden):
            raise ValueError(f"hidden layers need at least one unit each, not {hidden}")
        return hidden


class TrainSettings(Section):
    """How long and how fast the network is trained. It stops early when the held-out loss does not improve."""

    epochs: int = Field(
        2,
        ge=1,
        description="Passes over the training rows; more where `min_steps` needs them, fewer after early stopping.",
    )
    min_steps: int = Field(
        150, ge=0, description="Optimiser steps at least: on small tables there are more epochs than `epochs`."
    )
    batch_size: int = Field(2048, ge=1, description="Rows per optimiser step, at most.")
    min_steps_per_epoch: int = Field(
        100, ge=0, description="The batch is halved, down to 32 rows, until an epoch has this many steps; 0: never."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate of AdamW.")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="Learning rate over time; cosine warms up over the first tenth of the steps."
    )
    weight_decay: float = Field(0.1, ge=0, description="Decoupled weight decay; 0 makes AdamW plain Adam.")
    validation_share: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Fraction of the training split held out for early stopping; 0: no early stopping.",
    )
    patience: int = Field(3, ge=0, description="Epochs without a better held-out loss before training stops.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of weights, dropout, row order and the held-out rows.")
