"""Makes the feature plan from the schema and the section `features`, before any data are read. Without TensorFlow."""

from collections.abc import Iterable, Mapping

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.feature_plan import CategoricalFeature, FeaturePlan, NumericFeature
from flightline.config.modeling import FeatureSettings
from flightline.config.target import check_label_type
from flightline.serving.target import BINARY_TARGET, Target
from flightline.utils.suggestions import suggest_names

_ACTIVE_STAGES = (schema_pb2.UNKNOWN_STAGE, schema_pb2.BETA, schema_pb2.PRODUCTION)


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
