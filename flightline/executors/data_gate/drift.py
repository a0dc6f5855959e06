"""Drift from the last accepted span: TFDV's distances, compared with the thresholds in the curated schema."""

from __future__ import annotations

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from flightline.executors.data_gate.findings import FeatureDrift, Finding

DRIFT_SPLIT = "train"  # its rows are chosen by a hash, so it represents all of them
_DISTANCE_NAMES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "L-infinity",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon",
    anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalized difference",
}


def measure_drift(
    statistics: statistics_pb2.DatasetFeatureStatistics,
    previous: statistics_pb2.DatasetFeatureStatistics,
    schema: schema_pb2.Schema,
) -> tuple[list[FeatureDrift], list[Finding]]:
    """Measures the distance of every feature that has a drift comparator in the schema.

    Returns:
        The distances, those closest to their threshold first, and a finding for each that is above it.
    """
    import tensorflow_data_validation as tfdv

    now, before = (
        statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset]) for dataset in (statistics, previous)
    )
    anomalies = tfdv.validate_statistics(now, schema, previous_statistics=before)
    measured = [_parse_drift(info) for info in anomalies.drift_skew_info if info.drift_measurements]
    found = []
    for feature, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            if kind.startswith("COMPARATOR_"):
                problem = " ".join(reason.description.split()).rstrip(". ")
                found.append(Finding(feature, kind, f"drifted from the span before: {problem}", 0))
    return sorted(measured, key=lambda drift: drift.threshold - drift.distance), found


def _parse_drift(info: anomalies_pb2.DriftSkewInfo) -> FeatureDrift:
    [measured] = info.drift_measurements[:1]
    name = ".".join(info.path.step)
    return FeatureDrift(name, _DISTANCE_NAMES.get(measured.type, "distance"), measured.value, measured.threshold)
