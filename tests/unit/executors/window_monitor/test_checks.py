"""What is held against which threshold on a window."""

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
    requests={"answered": 95, "refused": 4, "failed": 1},
    lost=100,
    labelled={"served": {"7": 600}},
)
NOTHING = Baselines({}, schema_pb2.Schema())


def measures(window=WINDOW, metrics=(), held=NOTHING, **config) -> dict[str, Measure]:
    monitored = check_window(window, None, list(metrics), held, MonitoringConfig(**config))
    return {measure.name: measure for measure in monitored.measures}


def test_requests_are_held_to_their_shares():
    found = measures(max_invalid_requests=0.05, max_failed_requests=0.005)
    assert (found["refused"].value, found["refused"].breached) == (0.04, False)
    assert (found["failed"].value, found["failed"].breached) == (0.01, True)
    assert (found["lost"].value, found["lost"].breached) == (0.1, True)
    assert not found["silent"].breached


def test_a_window_without_a_request_is_silent():
    found = measures(Window(0, 60_000_000))
    assert list(found) == ["silent"]
    assert found["silent"].breached


def test_a_window_of_seconds_is_not_called_silent():
    assert measures(Window(0, 59_000_000)) == {}


def test_what_there_is_too_little_for_is_said():
    window = Window(0, 1, rows={"7": 300, "8": 100}, labelled={"served": {"7": 20, "8": 30}})
    rows, labels = skipped_checks(window, MonitoringConfig(min_rows=500, min_labels=50))
    assert rows == "400 answered rows: skew and drift are not judged below 500 (monitoring.min_rows)"
    assert labels == "30 labels: performance is not judged below 50 of a release (monitoring.min_labels)"
    assert skipped_checks(window, MonitoringConfig(min_rows=400, min_labels=30)) == []


def test_latency_is_judged_where_it_is_asked_for():
    window = Window(0, 1, rows={"7": 1}, requests={"answered": 1}, latency_ms={"p50": 2.0, "p99": 30.0})
    assert "latency" not in measures(window)
    assert measures(window, latency_p99_ms=20)["latency"].breached


def of_version(value, version="7", answer="served", **more):
    return [("_answer", answer), ("_version", version)], {"auc": value, "example_count": 600.0, **more}


def test_performance_is_held_to_what_the_release_had():
    held = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    fine = measures(metrics=[of_version(0.89)], held=held)["performance:AUC"]
    worse = measures(metrics=[of_version(0.87)], held=held)["performance:AUC"]
    assert (fine.breached, worse.breached) == (False, True)
    assert "0.93 when it was released" in worse.sentence


def test_of_several_releases_the_worst_is_judged():
    window = Window(0, 1, rows={"7": 900, "8": 900}, labelled={"served": {"7": 600, "8": 700, "9": 5}})
    held = Baselines({"7": {"auc": 0.93}, "8": {"auc": 0.93}, "9": {"auc": 0.93}}, schema_pb2.Schema())
    metrics = [of_version(0.92), of_version(0.86, "8"), of_version(0.5, "9")]
    found = measures(window, metrics, held)["performance:AUC"]
    assert (found.value, found.rows) == (0.86, 700)
    assert "of release 8" in found.sentence


def test_the_stricter_of_two_bounds_holds():
    held = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    both = {"AUC": PerformanceBounds(bound=0.9, drop=0.05)}
    assert measures(metrics=[of_version(0.89)], held=held, performance=both)["performance:AUC"].breached


def test_where_lower_is_better_more_is_worse():
    held = Baselines({"7": {"binary_crossentropy": 0.3}}, schema_pb2.Schema())
    bounds = {"BinaryCrossentropy": PerformanceBounds(drop=0.1)}
    metrics = [of_version(0.9, binary_crossentropy=0.45)]
    assert measures(metrics=metrics, held=held, performance=bounds)["performance:BinaryCrossentropy"].breached


def test_few_labels_judge_nothing():
    held = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    assert "performance:AUC" not in measures(metrics=[of_version(0.5)], held=held, min_labels=601)


def test_labels_that_are_all_the_same_have_no_auc():
    """TFMA says 0 of them, which would be a critical alert."""
    held = Baselines({"7": {"auc": 0.93}}, schema_pb2.Schema())
    window = replace(WINDOW, single_class_versions=("7",))
    monitored = check_window(window, None, [of_version(0.0, binary_accuracy=0.99)], held, MonitoringConfig())
    assert not [measure for measure in monitored.measures if measure.kind == "performance"]
    assert monitored.metrics["served"]["7"] == {"example_count": 600.0, "binary_accuracy": 0.99}
    assert "the labels of release 7 are all the same: it has no AUC" in skipped_checks(window, MonitoringConfig())


def test_slices_are_those_of_what_was_served():
    metrics = [
        ([], {"auc": 0.1}),
        ([("_answer", "served")], {"auc": 0.9}),
        ([("_answer", "shadow")], {"auc": 0.8}),
        ([("_answer", "served"), ("origin", "a,b=c")], {"auc": 0.7}),
        of_version(0.85, "6", "shadow"),
    ]
    monitored = check_window(WINDOW, None, metrics, NOTHING, MonitoringConfig())
    assert monitored.slices == {"overall": {"auc": 0.9}, "origin=a,b=c": {"auc": 0.7}}
    assert monitored.metrics == {"shadow": {"6": {"auc": 0.85, "example_count": 600.0}}}


def test_it_is_read_back_as_it_was_written():
    monitored = check_window(WINDOW, None, [of_version(0.9)], NOTHING, MonitoringConfig())
    assert MonitoringResult.from_dict(monitored.to_dict()) == monitored
