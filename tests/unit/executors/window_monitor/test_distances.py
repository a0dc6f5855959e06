"""Drift between windows, and skew between a window and the training spans."""

from __future__ import annotations

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.monitoring import MonitoringConfig
from flightline.executors.window_monitor.distances import drift, missing_comparators_warning, prediction_drift, skew

tfdv = pytest.importorskip("tensorflow_data_validation")


def statistics(origins="EJL", temp=50.0, probability=0.3, rows=600, with_wind=True):
    import pandas as pd

    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "origin": np.array(list(origins))[np.arange(rows) % len(origins)],
            "temp": rng.normal(temp, 5, rows).astype(np.float32),
            "_probability": np.clip(rng.normal(probability, 0.1, rows), 0, 1).astype(np.float32),
        }
    )
    if with_wind:
        frame["wind"] = rng.normal(0, 1, rows).astype(np.float32)
    return tfdv.generate_statistics_from_dataframe(frame).datasets[0]


@pytest.fixture(scope="module")
def schema():
    found = schema_pb2.Schema()
    found.feature.add(name="origin", type=schema_pb2.BYTES).drift_comparator.infinity_norm.threshold = 0.1
    for name in ("temp", "wind"):
        feature = found.feature.add(name=name, type=schema_pb2.FLOAT)
        feature.drift_comparator.jensen_shannon_divergence.threshold = 0.2
    return found


def test_equal_windows_have_no_drift(schema):
    found = drift(statistics(), statistics(), schema)
    assert {one.subject for one in found} == {"origin", "temp", "wind"}
    assert not any(one.breached for one in found)


def test_a_changed_feature_breaches_its_threshold(schema):
    found = {one.subject: one for one in drift(statistics("EEEJL", 80), statistics(), schema)}
    assert found["origin"].breached
    assert found["temp"].breached
    assert not found["wind"].breached
    assert "compared with the previous window" in found["temp"].sentence


def test_the_skew_threshold_is_a_multiple_of_the_drift_threshold(schema):
    config = MonitoringConfig(skew_threshold_factor=3)
    found = {one.subject: one for one in skew(statistics(), [statistics()], schema, config)}
    assert found["origin"].threshold == pytest.approx(0.3)
    assert found["temp"].threshold == pytest.approx(0.6)


def test_a_skew_comparator_overrides_the_drift_comparator(schema):
    with_comparator = schema_pb2.Schema()
    with_comparator.CopyFrom(schema)
    with_comparator.feature[0].skew_comparator.infinity_norm.threshold = 0.01
    found = {one.subject: one for one in skew(statistics("EEEJL"), [statistics()], with_comparator, MonitoringConfig())}
    assert found["origin"].threshold == pytest.approx(0.01)
    assert found["origin"].breached


def test_skew_is_measured_from_the_nearest_training_span(schema):
    training = [statistics(temp=20), statistics(temp=80)]
    found = {one.subject: one for one in skew(statistics(temp=80), training, schema, MonitoringConfig())}
    assert not found["temp"].breached
    assert "the nearest of 2 training spans" in found["temp"].sentence
    found = {one.subject: one for one in skew(statistics(temp=50), training, schema, MonitoringConfig())}
    assert found["temp"].breached


def test_a_feature_missing_in_one_window_has_no_distance(schema):
    found = drift(statistics(with_wind=False), statistics(), schema)
    assert {one.subject for one in found} == {"origin", "temp"}


def test_drift_of_the_predictions_is_measured():
    config = MonitoringConfig(max_prediction_drift=0.1)
    [same] = prediction_drift(statistics(), statistics(), config)
    [moved] = prediction_drift(statistics(probability=0.8), statistics(), config)
    assert (same.breached, moved.breached) == (False, True)
    assert same.name == "prediction_drift"


def test_a_schema_without_comparators_gives_a_warning(schema):
    assert missing_comparators_warning(schema) == ""
    bare = schema_pb2.Schema()
    bare.feature.add(name="origin", type=schema_pb2.BYTES).drift_comparator.SetInParent()
    assert missing_comparators_warning(bare).startswith("no feature is monitored for skew or drift")
    assert "drift_comparator" in missing_comparators_warning(bare)
    bare.feature[0].skew_comparator.infinity_norm.threshold = 0.1
    assert missing_comparators_warning(bare) == ""
