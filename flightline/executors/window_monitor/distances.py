"""How far a window is from what the model was trained on, and from the window before: TFDV's distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from flightline.config.monitoring import MonitoringConfig
from flightline.executors.data_gate.drift import measure_drift
from flightline.executors.window_monitor.columns import CLASS, PREDICTION, PROBABILITY
from flightline.executors.window_monitor.measures import Measure

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatistics
_COMPARATORS = ("infinity_norm", "jensen_shannon_divergence", "normalized_abs_difference")


def missing_comparators_warning(schema: schema_pb2.Schema) -> str:
    """Where no feature can be held against anything: a sentence that says so, and what to add; else nothing."""
    for feature in schema.feature:
        if any(
            one.HasField(name) for one in (feature.drift_comparator, feature.skew_comparator) for name in _COMPARATORS
        ):
            return ""
    return (
        "no feature is watched for skew or drift: the schema of the release has no drift_comparator; "
        "add some (schema/flights.pbtxt, docs/your-data.md) and train again"
    )


def skew(
    served: Statistics, training: Sequence[Statistics], schema: schema_pb2.Schema, config: MonitoringConfig
) -> list[Measure]:
    """Distances of the features from the training data, for those with a skew or a drift comparator.

    Where a model was trained on several spans it is the nearest of them that counts: what one of them was like, the
    model has seen.
    """
    against = "the training data" if len(training) == 1 else f"the nearest of {len(training)} spans of training data"
    skew_schema = _skew_comparators_as_drift(schema, config.skew_threshold_factor)
    nearest: dict[str, Measure] = {}
    for one in training:
        for measure in _measure_distances("skew", served, one, skew_schema, against):
            known = nearest.get(measure.subject)
            if known is None or measure.value < known.value:
                nearest[measure.subject] = measure
    return list(nearest.values())


def drift(served: Statistics, previous: Statistics, schema: schema_pb2.Schema) -> list[Measure]:
    """Distances of the features from the window before, for those with a drift comparator."""
    return _measure_distances("drift", served, previous, schema, "the window before")


def prediction_drift(served: Statistics, previous: Statistics, config: MonitoringConfig) -> list[Measure]:
    """How far the predictions are from those of the window before."""
    schema = schema_pb2.Schema()
    there = _features_with_values(served)
    name = next((one for one in (CLASS, PREDICTION, PROBABILITY) if one in there), PROBABILITY)
    feature = schema.feature.add(name=name, type=schema_pb2.BYTES if name == CLASS else schema_pb2.FLOAT)
    feature.drift_comparator.jensen_shannon_divergence.threshold = config.prediction_drift
    found = _measure_distances("drift", served, previous, schema, "the window before")
    named = f"{found[0].measure} of the predictions" if found else ""
    return [replace(one, kind="prediction_drift", subject="", measure=named) for one in found]


def _measure_distances(
    kind: str, served: Statistics, other: Statistics, schema: schema_pb2.Schema, against: str
) -> list[Measure]:
    """Of what both have. A feature that neither has any value of has no distance."""
    both = _features_with_values(served) & _features_with_values(other)
    wanted = schema_pb2.Schema()
    wanted.CopyFrom(schema)
    del wanted.feature[:]
    wanted.feature.extend(feature for feature in schema.feature if feature.name in both)
    found, _ = measure_drift(served, other, wanted)
    rows = int(served.num_examples)
    return [
        Measure(kind, one.feature, one.distance, one.threshold, "above", f"the {one.measure} distance", against, rows)
        for one in found
    ]


def _features_with_values(statistics: Statistics) -> set[str]:
    """Features with at least one value."""
    present = set()
    for feature in statistics.features:
        kind = feature.WhichOneof("stats")
        if kind and getattr(feature, kind).common_stats.tot_num_values:
            present.add(feature.name or ".".join(feature.path.step))
    return present


def _skew_comparators_as_drift(schema: schema_pb2.Schema, factor: float) -> schema_pb2.Schema:
    """The schema with its skew comparators where drift's are; where it has none, drift's, `factor` times as far."""
    changed = schema_pb2.Schema()
    changed.CopyFrom(schema)
    for feature in changed.feature:
        if feature.HasField("skew_comparator"):
            feature.drift_comparator.CopyFrom(feature.skew_comparator)
            continue
        for name in _COMPARATORS:
            if feature.drift_comparator.HasField(name):
                comparator = getattr(feature.drift_comparator, name)
                comparator.threshold = min(1.0, comparator.threshold * factor)
    return changed
