"""The feature plan: what each column of a table becomes. Made from its schema alone, without TensorFlow."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import model_validator
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.modeling import FeatureSettings
from flightline.config.section import Section
from flightline.config.target import check_label_type
from flightline.serving.target import BINARY_TARGET, Target
from flightline.utils.suggestions import suggest_names

_ACTIVE_STAGES = (schema_pb2.UNKNOWN_STAGE, schema_pb2.BETA, schema_pb2.PRODUCTION)


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


def plan_features(
    schema: schema_pb2.Schema, label: str, settings: FeatureSettings, target: Target = BINARY_TARGET
) -> FeaturePlan:
    """Decide, from types and domains alone, what each column of `schema` becomes.

    INT and FLOAT columns are numbers; BYTES columns, INT columns with a categorical domain and those named in
    `settings.categorical` are categories.

    Raises:
        ValueError: a setting or the label names an unknown column, a column does not have the type that its role
            needs or holds several values a row, or no column is left.
    """
    features = {feature.name: feature for feature in schema.feature}
    _check_column_names(features, label, settings)
    label_type = schema_pb2.FeatureType.Name(features[label].type)
    check_label_type(target, label, label_type)

    numbers, categories = [], []
    for name, feature in sorted(features.items()):
        if name == label or name in settings.exclude or feature.lifecycle_stage not in _ACTIVE_STAGES:
            continue
        _check_scalar(feature)
        if feature.type == schema_pb2.BYTES or name in settings.categorical or feature.int_domain.is_categorical:
            categories.append(CategoricalFeature(name=name, source="vocabulary"))
        else:
            numbers.append(NumericFeature(name=name, optional=_is_optional(feature)))
    categories += [CategoricalFeature(name=name, source="quantiles") for name in sorted(settings.bucketised)]
    if not numbers and not categories:
        raise ValueError("no column is left for the model: the schema has none besides the label and `exclude`")
    parameters = settings.model_dump(include=set(FeaturePlan.model_fields))
    return FeaturePlan(
        label=label,
        label_type=label_type,
        target=target,
        numbers=tuple(numbers),
        categories=tuple(categories),
        **parameters,
    )


def _check_column_names(features: Mapping[str, schema_pb2.Feature], label: str, settings: FeatureSettings) -> None:
    def known(role: str, names: Iterable[str], types: tuple[int, ...] = ()) -> None:
        for name in names:
            if name not in features:
                raise ValueError(f"{role} names {name!r}, not a column of the schema: {suggest_names(name, features)}")
            if types and features[name].type not in types:
                kind = schema_pb2.FeatureType.Name(features[name].type)
                wanted = " or ".join(schema_pb2.FeatureType.Name(t) for t in types)
                raise ValueError(f"{role} names {name!r}, a column of type {kind}: it takes {wanted} columns")

    known("label", [label])
    known("features.exclude", settings.exclude)
    known("features.categorical", settings.categorical, (schema_pb2.INT, schema_pb2.BYTES))
    known("features.bucketised", settings.bucketised, (schema_pb2.INT, schema_pb2.FLOAT))
    if label in (*settings.exclude, *settings.categorical, *settings.bucketised):
        raise ValueError(f"the label {label!r} cannot be a feature setting too")


def _check_scalar(feature: schema_pb2.Feature) -> None:
    if feature.type not in (schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES):
        kind = schema_pb2.FeatureType.Name(feature.type)
        raise ValueError(f"column {feature.name!r} is of type {kind}: put it in features.exclude")
    if feature.value_count.max > 1 or any(dim.size != 1 for dim in feature.shape.dim):
        raise ValueError(f"column {feature.name!r} holds several values a row: put it in features.exclude")


def _is_optional(feature: schema_pb2.Feature) -> bool:
    """Whether a row may lack the value, by lacking the column or by an empty value."""
    always_filled = feature.HasField("shape") or feature.value_count.min >= 1
    return feature.presence.min_fraction < 1 or not always_filled
