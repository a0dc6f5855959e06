"""A window's measures are compared with their thresholds."""

from __future__ import annotations

from dataclasses import replace

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.monitoring import MonitoringConfig, PerformanceBounds
from flightline.executors.window_monitor.checks import Baselines, check_window, skipped_checks
from flightline.executors.window_monitor.measures import Measure, MonitoringResult, Window

WINDOW = Window(
    0,
    1,
    rows={"7": 900},
    requests={"answered": 95, "invalid": 4, "failed": 1},
    lost_rows=100,
    labelled={"served": {"7": 600}},
)
NOTHING = Baselines({}, schema_pb2.Schema())


def measures(window=WINDOW, metrics=(), baselines=NOTHING, **config) -> dict[str, Measure]:
    result = check_window(window, None, list(metrics), baselines, MonitoringConfig(**config))
    return {measure.name: measure for measure in result.measures}


def test_request_outcomes_are_compared_with_their_thresholds():
    found = measures(max_invalid_requests=0.05, max_failed_requests=0.005)
    assert (found["invalid_requests"].value, found["invalid_requests"].breached) == (0.04, False)
    assert (found["failed_requests"].value, found["failed_requests"].breached) == (0.01, True)
    assert (found["lost_rows"].value, found["lost_rows"].breached) == (0.1, True)
    assert not found["no_traffic"].breached


def test_a_window_without_requests_breaches_no_traffic():
    found = measures(Window(0, 60_000_000))
    assert list(found) == ["no_traffic"]
    assert found["no_traffic"].breached


def test_a_short_window_without_requests_breaches_nothing():
    assert measures(Window(0, 59_000_000)) == {}


def test_checks_skipped_for_lack_of_data_are_reported():
    window = Window(0, 1, rows={"7": 300, "8": 100}, labelled={"served": {"7": 20, "8": 30}})
    rows, labels = skipped_checks(window, MonitoringConfig(min_rows=500, min_labels=50))
    assert rows == "400 answered rows: skew and drift are not checked below 500 (monitoring.min_rows)"
    assert labels == "30 labels: performance is not checked below 50 labels of one release (monitoring.min_labels)"
    assert skipped_checks(window, MonitoringConfig(min_rows=400, min_labels=30)) == []


def test_latency_is_checked_only_with_a_threshold():
    window = Window(0, 1, rows={"7": 1}, requests={"answered": 1}, latency_ms={"p50": 2.0, "p99": 30.0})
    assert "latency" not in measures(window)
    assert measures(window, max_latency_p99_ms=20)["latency"].breached


def of_version(value, version="7", source="served", **more):
    return [("_source", source), ("_version", version)], {"auc": value, "example_count": 600.0, **more}


def test_performance_is_compared_with_the_releases_evaluation():
    baselines = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    fine = measures(metrics=[of_version(0.89)], baselines=baselines)["performance:AUC"]
    worse = measures(metrics=[of_version(0.87)], baselines=baselines)["performance:AUC"]
    assert (fine.breached, worse.breached) == (False, True)
    assert "0.93 when it was released" in worse.sentence


def test_the_worst_of_several_releases_is_reported():
    window = Window(0, 1, rows={"7": 900, "8": 900}, labelled={"served": {"7": 600, "8": 700, "9": 5}})
    baselines = Baselines({"7": {"auc": 0.93}, "8": {"auc": 0.93}, "9": {"auc": 0.93}}, schema_pb2.Schema())
    metrics = [of_version(0.92), of_version(0.86, "8"), of_version(0.5, "9")]
    found = measures(window, metrics, baselines)["performance:AUC"]
    assert (found.value, found.rows) == (0.86, 700)
    assert "for release 8" in found.sentence


def test_the_stricter_of_two_thresholds_applies():
    baselines = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    both = {"AUC": PerformanceBounds(limit=0.9, max_drop=0.05)}
    assert measures(metrics=[of_version(0.89)], baselines=baselines, performance=both)["performance:AUC"].breached


def test_a_metric_where_lower_is_better_breaches_above():
    baselines = Baselines({"7": {"binary_crossentropy": 0.3}}, schema_pb2.Schema())
    bounds = {"BinaryCrossentropy": PerformanceBounds(max_drop=0.1)}
    metrics = [of_version(0.9, binary_crossentropy=0.45)]
    assert measures(metrics=metrics, baselines=baselines, performance=bounds)["performance:BinaryCrossentropy"].breached


def test_performance_is_not_checked_with_too_few_labels():
    baselines = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    assert "performance:AUC" not in measures(metrics=[of_version(0.5)], baselines=baselines, min_labels=601)


def test_auc_is_not_checked_with_labels_of_a_single_class():
    """TFMA reports an AUC of 0, which would raise a critical alert."""
    baselines = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    window = replace(WINDOW, single_class_versions=("7",))
    result = check_window(window, None, [of_version(0.0, binary_accuracy=0.99)], baselines, MonitoringConfig())
    assert not [measure for measure in result.measures if measure.kind == "performance"]
    assert result.metrics["served"]["7"] == {"example_count": 600.0, "binary_accuracy": 0.99}
    assert "all labels of release 7 have the same value: AUC is undefined" in skipped_checks(window, MonitoringConfig())


def test_slice_metrics_are_computed_from_the_served_predictions():
    metrics = [
        ([], {"auc": 0.1}),
        ([("_source", "served")], {"auc": 0.9}),
        ([("_source", "shadow")], {"auc": 0.8}),
        ([("_source", "served"), ("origin", "a,b=c")], {"auc": 0.7}),
        of_version(0.85, "6", "shadow"),
    ]
    result = check_window(WINDOW, None, metrics, NOTHING, MonitoringConfig())
    assert result.slices == {"overall": {"auc": 0.9}, "origin=a,b=c": {"auc": 0.7}}
    assert result.metrics == {"shadow": {"6": {"auc": 0.85, "example_count": 600.0}}}


def test_a_monitoring_result_equals_its_round_trip():
    result = check_window(WINDOW, None, [of_version(0.9)], NOTHING, MonitoringConfig())
    assert MonitoringResult.from_dict(result.to_dict()) == result
