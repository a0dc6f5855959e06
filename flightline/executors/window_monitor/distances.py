"""Distances of a window from the training data and from the previous window, as TFDV computes them."""

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
    """A warning if no feature of the schema has a comparator; empty otherwise."""
    for feature in schema.feature:
        if any(
            comparator.HasField(name)
            for comparator in (feature.drift_comparator, feature.skew_comparator)
            for name in _COMPARATORS
        ):
            return ""
    return (
        "no feature is monitored for skew or drift: the release's schema has no drift_comparator; "
        "add some (see schema/flights.pbtxt and docs/your-data.md) and train again"
    )


def skew(
    served: Statistics, training: Sequence[Statistics], schema: schema_pb2.Schema, config: MonitoringConfig
) -> list[Measure]:
    """Distances from the training data, for features with a skew or drift comparator.

    For a model trained on several spans, the distance to the nearest span counts: the model has seen such data.
    """
    baseline = "the training data" if len(training) == 1 else f"the nearest of {len(training)} training spans"
    skew_schema = _skew_comparators_as_drift(schema, config.skew_threshold_factor)
    nearest: dict[str, Measure] = {}
    for span in training:
        for measure in _measure_distances("skew", served, span, skew_schema, baseline):
            known = nearest.get(measure.subject)
            if known is None or measure.value < known.value:
                nearest[measure.subject] = measure
    return list(nearest.values())


def drift(served: Statistics, previous: Statistics, schema: schema_pb2.Schema) -> list[Measure]:
    """Distances from the previous window, for features with a drift comparator."""
    return _measure_distances("drift", served, previous, schema, "the previous window")


def prediction_drift(served: Statistics, previous: Statistics, config: MonitoringConfig) -> list[Measure]:
    """The distance between the predictions of this window and of the previous one."""
    schema = schema_pb2.Schema()
    present = _features_with_values(served)
    name = next((column for column in (CLASS, PREDICTION, PROBABILITY) if column in present), PROBABILITY)
    feature = schema.feature.add(name=name, type=schema_pb2.BYTES if name == CLASS else schema_pb2.FLOAT)
    feature.drift_comparator.jensen_shannon_divergence.threshold = config.max_prediction_drift
    measures = _measure_distances("drift", served, previous, schema, "the previous window")
    named = f"{measures[0].measure} of the predictions" if measures else ""
    return [replace(measure, kind="prediction_drift", subject="", measure=named) for measure in measures]


def _measure_distances(
    kind: str, served: Statistics, other: Statistics, schema: schema_pb2.Schema, compared_with: str
) -> list[Measure]:
    """Distances of the features that have values on both sides."""
    both = _features_with_values(served) & _features_with_values(other)
    compared = schema_pb2.Schema()
    compared.CopyFrom(schema)
    del compared.feature[:]
    compared.feature.extend(feature for feature in schema.feature if feature.name in both)
    drifts, _ = measure_drift(served, other, compared)
    rows = int(served.num_examples)
    return [
        Measure(
            kind,
            drifted.feature,
            drifted.distance,
            drifted.threshold,
            "above",
            f"the {drifted.measure} distance",
            compared_with,
            rows,
        )
        for drifted in drifts
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
    """The schema with each skew comparator in place of the drift comparator.

    A feature without a skew comparator keeps its drift comparator, with `factor` times the threshold.
    """
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
