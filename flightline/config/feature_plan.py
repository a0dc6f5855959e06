"""The feature plan: what each column of a table becomes. `flightline.config.feature_planning` makes it."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from flightline.config.section import Section
from flightline.serving.target import BINARY_TARGET, Target


def transformed_name(name: str) -> str:
    """Name a column after Transform. It differs from the raw name, so that slices can still use raw values."""
    return f"{name}_xf"


def vocabulary_name(name: str) -> str:
    """Name the vocabulary of a column.

    TFT replaces characters that a file name cannot have with `_`: two columns whose names differ only in such
    characters would share a vocabulary. A hash of the name keeps them apart.
    """
    if re.fullmatch(r"[A-Za-z0-9_]+", name):
        return name
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:40]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class NumericFeature(Section):
    """A number. Transformed: one float32, NaN where it is missing."""

    name: str
    optional: bool
    """Whether the schema allows it to be missing; only then does the model get an indicator."""

    @property
    def transformed(self) -> str:
        return transformed_name(self.name)


class CategoricalFeature(Section):
    """A category. Transformed: one int64 id, 0 where it is missing, 1.. otherwise."""

    name: str
    source: Literal["vocabulary", "quantiles"]

    @property
    def transformed(self) -> str:
        return transformed_name(self.name if self.source == "vocabulary" else f"{self.name}_bucket")


class FeaturePlan(Section):
    """All that Transform, Trainer and the exported model must agree on. Passed as JSON in `custom_config`."""

    label: str
    label_type: Literal["INT", "FLOAT", "BYTES"]
    target: Target = BINARY_TARGET
    numbers: tuple[NumericFeature, ...]
    categories: tuple[CategoricalFeature, ...]
    quantile_bins: int
    bucket_count: int
    vocabulary_size: int
    min_count: int
    oov_buckets: int

    @model_validator(mode="after")
    def _unique_names(self) -> "FeaturePlan":
        names = [number.transformed for number in self.numbers]
        names += [category.transformed for category in self.categories]
        names.append(self.transformed_label)
        for name, times in Counter(names).items():
            if times > 1:
                raise ValueError(f"two columns would both be called {name!r} after Transform: rename or exclude one")
        return self

    @property
    def transformed_label(self) -> str:
        return transformed_name(self.label)

    @property
    def raw_names(self) -> tuple[str, ...]:
        """The raw columns that the model reads, without the label, each once."""
        names = [number.name for number in self.numbers] + [category.name for category in self.categories]
        return tuple(dict.fromkeys(names))

    def category_sizes(self, vocabulary_sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Count the ids of each category: missing, known values, out of vocabulary.

        `vocabulary_sizes` maps a column's name to the length of its vocabulary file.
        """
        return tuple(
            1 + (vocabulary_sizes[c.name] + self.oov_buckets if c.source == "vocabulary" else self.bucket_count)
            for c in self.categories
        )
