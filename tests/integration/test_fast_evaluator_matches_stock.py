"""The fast Evaluator against the stock one, both run for real on the same artifacts."""

import json
from collections.abc import Iterator
from pathlib import Path

import evaluation_data
import pytest
import tensorflow_model_analysis as tfma
from evaluation_comparison import (
    BEAM_ARGS,
    TOLERANCE,
    approximately,
    assert_same_slices,
    file_names,
    metric_threshold,
    read_eval_config,
    read_validation,
    run_fast,
    run_stock,
)
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import component
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from flightline.components.fast_evaluator import Evaluator, FastEvaluatorExecutor
from flightline.executors import progress
from flightline.executors.evaluator.comparison import COMPARISON_FILE
from flightline.executors.evaluator.supported_config import SUPPORTED_METRICS
from models.evaluation import PLOTS


def make_config(auc: config_pb2.MetricThreshold, accuracy_at_ewr: float) -> config_pb2.EvalConfig:
    """Every supported metric, thresholds overall and per slice, slices by raw and by transformed features."""
    metrics = [config_pb2.MetricConfig(class_name=name) for name in sorted(SUPPORTED_METRICS)]
    by_name = {metric.class_name: metric for metric in metrics}
    by_name["AUC"].threshold.CopyFrom(auc)
    by_name["BinaryAccuracy"].per_slice_thresholds.add(
        slicing_specs=[config_pb2.SlicingSpec(feature_values={"origin": "EWR"})],
        threshold=metric_threshold(accuracy_at_ewr),
    )
    by_name["Precision"].config = json.dumps({"thresholds": 0.3})
    roc = {"name": "roc", "curve": "ROC", "num_thresholds": 500, "summation_method": "minoring"}
    metrics.append(config_pb2.MetricConfig(class_name="AUC", config=json.dumps(roc)))
    for name, options in PLOTS.items():  # as the reports ask for them
        options = {"name": f"small_{name}", **options}
        metrics.append(config_pb2.MetricConfig(class_name=name, config=json.dumps(options)))
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                label_key="late_xf",
                preprocessing_function_names=["transform_features"],
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=["origin"]),
            config_pb2.SlicingSpec(feature_values={"origin": "EWR"}),
            config_pb2.SlicingSpec(feature_keys=["carrier", "quarter"]),
            config_pb2.SlicingSpec(feature_keys=["quarter"], feature_values={"month": "5"}),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> str:
    return evaluation_data.write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return evaluation_data.write_model(tmp_path_factory.mktemp("candidate"), seed=1, noise=0.0)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> str:
    return evaluation_data.write_model(tmp_path_factory.mktemp("champion"), seed=2, noise=1.0)


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What the executor tells its user."""
    seen: list[str] = []
    with progress.listen(lambda _: None, seen.append):
        yield seen


@pytest.mark.parametrize(
    ("with_champion", "auc", "accuracy_at_ewr", "blessed"),
    [
        (False, metric_threshold(0.5, change=0.9), 0.5, 1),  # without a champion, change thresholds do not count
        (True, metric_threshold(0.5, change=0.9), 0.99, 0),
    ],
)
def test_results_equal_stock(
    tmp_path: Path,
    examples: str,
    candidate: str,
    champion: str,
    warnings: list[str],
    with_champion: bool,
    auc: config_pb2.MetricThreshold,
    accuracy_at_ewr: float,
    blessed: int,
) -> None:
    config = make_config(auc, accuracy_at_ewr)
    baseline = champion if with_champion else None
    stock, fast = (
        evaluation_data.make_execution(tmp_path / name, examples, candidate, config, baseline)
        for name in ("stock", "fast")
    )
    run_stock(stock)
    run_fast(fast)

    assert not warnings, "the fast path was not taken"
    ours = [COMPARISON_FILE] if with_champion else []
    assert sorted(file_names(fast.evaluation)) == sorted([*file_names(stock.evaluation), *ours])
    assert read_eval_config(fast.evaluation) == read_eval_config(stock.evaluation)
    assert_same_slices(fast.evaluation, stock.evaluation, "metrics")
    assert_same_slices(fast.evaluation, stock.evaluation, "plots")
    assert read_validation(fast.evaluation) == approximately(read_validation(stock.evaluation), TOLERANCE)
    assert len(tfma.load_eval_result(fast.evaluation).slicing_metrics) == 1 + 3 + 12 + 1

    assert fast.blessing.get_int_custom_property("blessed") == blessed
    assert fast.blessing.mlmd_artifact.custom_properties == stock.blessing.mlmd_artifact.custom_properties
    assert file_names(fast.blessing.uri) == file_names(stock.blessing.uri) == ["BLESSED" if blessed else "NOT_BLESSED"]


def test_predictions_in_the_examples_are_evaluated_as_by_the_stock_executor(
    tmp_path: Path, examples: str, candidate: str, warnings: list[str]
) -> None:
    config = make_config(metric_threshold(0.5), 0.5)
    config.model_specs[0].CopyFrom(config_pb2.ModelSpec(label_key="late", prediction_key="score"))
    del config.slicing_specs[3:]  # those by transformed features
    for metric in config.metrics_specs[0].metrics:
        metric.ClearField("threshold")
        metric.ClearField("per_slice_thresholds")
    stock, fast = (
        evaluation_data.make_execution(tmp_path / name, examples, candidate, config) for name in ("stock", "fast")
    )
    for execution, run in ((stock, run_stock), (fast, run_fast)):
        del execution.inputs["model"]
        run(execution)
    assert not warnings, "the fast path was not taken"
    assert file_names(fast.evaluation) == file_names(stock.evaluation)
    assert_same_slices(fast.evaluation, stock.evaluation, "metrics")
    assert_same_slices(fast.evaluation, stock.evaluation, "plots")
    assert len(tfma.load_eval_result(fast.evaluation).slicing_metrics) == 1 + 3


def test_two_runs_write_the_same_bytes(tmp_path: Path, examples: str, candidate: str, champion: str) -> None:
    config = make_config(metric_threshold(0.5), 0.5)
    runs = [evaluation_data.make_execution(tmp_path / n, examples, candidate, config, champion) for n in ("a", "b")]
    for execution in runs:
        run_fast(execution)
    first, second = (
        {path.name: path.read_bytes() for path in Path(execution.evaluation).iterdir()} for execution in runs
    )
    assert first == second


def test_without_thresholds_there_is_no_blessing(tmp_path: Path, examples: str, candidate: str) -> None:
    config = make_config(metric_threshold(0.5), 0.5)
    for metric in config.metrics_specs[0].metrics:
        metric.ClearField("threshold")
        metric.ClearField("per_slice_thresholds")
    execution = evaluation_data.make_execution(tmp_path, examples, candidate, config)
    run_fast(execution)
    assert not file_names(execution.blessing.uri)
    assert not execution.blessing.has_custom_property("blessed")
    assert "metrics-00000-of-00001.tfrecord" in file_names(execution.evaluation)


def test_progress_is_reported(tmp_path: Path, examples: str, candidate: str) -> None:
    execution = evaluation_data.make_execution(tmp_path, examples, candidate, make_config(metric_threshold(0.5), 0.5))
    done: list[int] = []
    with progress.listen(done.append):
        run_fast(execution)
    assert done == sorted(done)
    assert done[-1] == evaluation_data.ROWS


def test_an_unsupported_model_goes_to_the_stock_executor_with_a_warning(
    tmp_path: Path, candidate: str, warnings: list[str]
) -> None:
    examples = evaluation_data.write_examples(tmp_path / "examples", rows=200)
    config = make_config(metric_threshold(0.5), 0.5)
    config.options.min_slice_size.value = 100
    del config.metrics_specs[0].metrics[1:]
    del config.slicing_specs[2:]
    execution = evaluation_data.make_execution(tmp_path, examples, candidate, config)
    run_fast(execution)
    assert warnings == ["Evaluator runs the stock executor, which is slower: min_slice_size is 100"]
    results = {key: metrics[""][""] for key, metrics in tfma.load_eval_result(execution.evaluation).slicing_metrics}
    assert "auc" in results[()]
    assert "__ERROR__" in results[(("origin", "EWR"),)], "only the stock executor hides small slices"
    assert execution.blessing.has_custom_property("blessed")


def test_a_distributed_runner_is_used(tmp_path: Path, candidate: str, warnings: list[str]) -> None:
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=["--runner=Elsewhere", BEAM_ARGS[-1]])
    execution = evaluation_data.make_execution(tmp_path, "nowhere", candidate, make_config(metric_threshold(0.5), 0.5))
    with pytest.raises(ValueError, match="Elsewhere"):
        FastEvaluatorExecutor(context).Do(execution.inputs, execution.outputs, execution.properties)
    assert warnings == ["Evaluator runs the stock executor, which is slower: the Beam arguments name Elsewhere"]


def test_the_recorded_execution_type_is_that_of_evaluator() -> None:
    artifacts = {"examples": standard_artifacts.Examples, "model": standard_artifacts.Model}
    channels = {name: types.Channel(type=kind) for name, kind in artifacts.items()}
    ours = Evaluator(**channels, eval_config=make_config(metric_threshold(0.5), 0.5))
    stock = component.Evaluator(**channels, eval_config=make_config(metric_threshold(0.5), 0.5))
    assert (ours.id, ours.type) == (stock.id, stock.type)
    assert ours.outputs.keys() == stock.outputs.keys()
    assert ours.exec_properties == stock.exec_properties
    assert ours.executor_spec.executor_class is FastEvaluatorExecutor
