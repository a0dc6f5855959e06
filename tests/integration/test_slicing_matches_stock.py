"""Slices of every kind beside TFMA's: crosses, bins, slices compared with one another, and the gates on them."""

import json
import random
from pathlib import Path

import evaluation_data
import pytest
import tensorflow_model_analysis as tfma
from evaluation_comparison import (
    TOLERANCE,
    approximately,
    assert_same_slices,
    file_names,
    metric_threshold,
    read_validation,
    run_fast,
    run_stock_with_gates,
)
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_model_analysis.proto import config_pb2
from tfx.types import standard_artifacts

from flightline.components.evaluator import BINS_PROPERTY, GAPS_PROPERTY
from flightline.config.evaluation import EvaluationSettings
from flightline.executors import progress
from flightline.executors.evaluator import bins, slice_gaps

COLUMNS = ("origin", "carrier", "month", "distance", "delay", "quarter")  # the last is the model's own
ROWS = 400
METRICS = ("AUC", "BinaryAccuracy", "ExampleCount", "SquaredPearsonCorrelation")  # the last has no value on some slices


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return evaluation_data.write_examples(tmp_path_factory.mktemp("examples"), rows=ROWS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Candidate and champion."""
    return [evaluation_data.write_model(tmp_path_factory.mktemp(f"model{i}"), seed=i, noise=float(i)) for i in range(2)]


def make_config(slices, crossed=()):
    metrics = [config_pb2.MetricConfig(class_name=name) for name in METRICS]
    metrics[0].per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=metric_threshold(0.5))
    if crossed:
        metrics[1].cross_slice_thresholds.add(cross_slicing_specs=[crossed[0]], threshold=metric_threshold(-0.01))
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key="late_xf", preprocessing_function_names=["transform_features"])],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in [(), *slices]],
        cross_slicing_specs=crossed,
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def drawn(seed):
    """Slices and bins at random: crosses of up to three columns, edges where the data are and where they are not."""
    rng = random.Random(seed)
    edges = {
        column: sorted({round(rng.uniform(-3, 3), rng.randint(0, 2)) for _ in range(rng.randint(1, 4))})
        for column in ("distance", "delay")
    }
    edges["month"] = sorted(rng.sample(range(0, 14), 2))
    cuts = {tuple(sorted(rng.sample(COLUMNS, rng.randint(1, 3)))) for _ in range(4)}
    cuts |= {("distance",), ("delay", "month")}
    return EvaluationSettings(slices=sorted(cuts), bins=edges)


@pytest.mark.parametrize("seed", [1, 2])
def test_drawn_slices_equal_stock(tmp_path, examples, models, seed):
    settings = drawn(seed)
    config = make_config(settings.slices)
    candidate, champion = models if seed == 2 else (models[0], None)
    made = [
        evaluation_data.make_execution(tmp_path / name, examples, candidate, config, champion)
        for name in ("stock", "fast")
    ]
    for execution in made:
        execution.properties[BINS_PROPERTY] = bins.bins_to_property(settings.bins)
    warnings = []
    run_stock_with_gates(made[0])
    with progress.listen(lambda _: None, warnings.append):
        run_fast(made[1])
    assert not warnings, "the fast path was not taken"
    stock, fast = (execution.evaluation for execution in made)
    assert_same_slices(fast, stock, "metrics")
    assert read_validation(fast) == approximately(read_validation(stock), TOLERANCE)
    name = "candidate" if champion else None
    found = [key for key, _ in tfma.load_eval_result(fast, model_name=name).slicing_metrics]
    by_distance = {dict(key)["distance"] for key in found if [name for name, _ in key] == ["distance"]}
    assert by_distance <= set(bins.bin_names(settings.bins["distance"].edges))
    assert len(by_distance) > 1


@pytest.mark.parametrize("run", [run_stock_with_gates, run_fast])
@pytest.mark.parametrize(("max_gap", "blessed"), [(0.0001, 0), (0.9, 1)])
def test_a_gap_that_is_too_wide_blocks(tmp_path, examples, models, run, max_gap, blessed):
    settings = EvaluationSettings(
        gaps={"AUC": {"columns": "distance", "max_gap": max_gap, "min_slice_size": 50}},
        bins={"distance": {"quantiles": 2}},
    )
    execution = evaluation_data.make_execution(tmp_path, examples, models[0], make_config(settings.slice_columns))
    execution.inputs["statistics"] = [statistics_of_distance(tmp_path)]
    execution.properties.update(
        {BINS_PROPERTY: bins.bins_to_property(settings.bins), GAPS_PROPERTY: slice_gaps.gaps_to_property(settings.gaps)}
    )
    run(execution)
    assert execution.blessing.get_int_custom_property("blessed") == blessed
    assert file_names(execution.blessing.uri) == ["BLESSED" if blessed else "NOT_BLESSED"]
    (gap,) = json.loads((Path(execution.evaluation) / slice_gaps.GAPS_FILE).read_text())
    assert {gap["best"], gap["worst"]} == {"distance=below 0.25", "distance=0.25 or more"}
    assert gap["best_rows"] + gap["worst_rows"] == ROWS
    assert gap["best"] in execution.outputs["evaluation"][0].get_string_custom_property(GAPS_PROPERTY)
    judged = tfma.load_validation_result(execution.evaluation).metric_validations_per_slice
    crossed = [one for one in judged if one.failures]
    assert len(crossed) == 1 - blessed
    for one in crossed:  # in TFMA's own words, for whatever reads them
        key = one.cross_slice_key.comparison_slice_key.single_slice_keys[0]
        assert f"{key.column}={key.bytes_value.decode()}" == gap["worst"]
        assert one.failures[0].metric_value.double_value.value == pytest.approx(gap["best_value"] - gap["worst_value"])


def statistics_of_distance(folder):
    """An ExampleStatistics artifact whose median distance is 0.25."""
    dataset = statistics_pb2.DatasetFeatureStatistics(name="train")
    feature = dataset.features.add()
    feature.path.step.append("distance")
    histogram = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    for place in range(10):
        histogram.buckets.add(low_value=place / 20, high_value=(place + 1) / 20)
    split = folder / "statistics" / "Split-train"
    split.mkdir(parents=True)
    content = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset]).SerializeToString()
    (split / "FeatureStats.pb").write_bytes(content)
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri, artifact.id, artifact.split_names = str(folder / "statistics"), 5, '["train"]'
    return artifact
