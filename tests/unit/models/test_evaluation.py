import pytest
from tensorflow_model_analysis.proto import config_pb2

from flightline.config.evaluation import METRIC_DIRECTION, TASK_METRICS, EvaluationSettings
from flightline.serving.target import Target
from models.evaluation import PLOTS, build_eval_config


def metric(config, name):
    return next(m for m in config.metrics_specs[0].metrics if m.class_name == name)


def test_metrics_are_computed_once_overall_and_once_for_each_slice():
    settings = EvaluationSettings(
        slices=[["a"], ["a", "b"]], per_slice=[{"slice": ["a"], "thresholds": {"AUC": {"lower": 0.5}}}]
    )
    config = build_eval_config("y", settings)
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["a"], ["a", "b"]]
    assert [m.class_name for m in config.metrics_specs[0].metrics] == [*TASK_METRICS["binary"], *PLOTS]


@pytest.mark.parametrize("target", [Target(task="multiclass", classes=("a", "b", "c")), Target(task="regression")])
def test_other_tasks_have_their_own_metrics_and_no_plots(target):
    error = next(name for name in TASK_METRICS[target.task] if METRIC_DIRECTION[name] < 0)
    config = build_eval_config("y", EvaluationSettings(thresholds={error: {"upper": 1.0, "vs_champion": 0.1}}), target)
    assert [m.class_name for m in config.metrics_specs[0].metrics] == list(TASK_METRICS[target.task])
    threshold = on_all_rows(config, error)
    assert threshold.value_threshold.upper_bound.value == 1.0
    assert threshold.change_threshold.direction == config_pb2.LOWER_IS_BETTER


def test_the_model_spec_has_the_signatures_of_the_exported_model():
    (spec,) = build_eval_config("y", EvaluationSettings()).model_specs
    assert (spec.signature_name, spec.label_key) == ("serving_default", "y_xf")
    assert list(spec.preprocessing_function_names) == ["transform_features"]


def on_all_rows(config, name):
    """The threshold on the whole set, which applies to no slice."""
    (threshold,) = metric(config, name).per_slice_thresholds
    assert [list(spec.feature_keys) for spec in threshold.slicing_specs] == [[]]
    assert not metric(config, name).HasField("threshold")  # it would apply to every slice
    return threshold.threshold


def test_vs_champion_allows_a_loss_in_the_direction_of_the_metric():
    bounds = {"AUC": {"lower": 0.9, "vs_champion": 0.01}, "BinaryCrossentropy": {"vs_champion": 0.02}}
    config = build_eval_config("y", EvaluationSettings(thresholds=bounds))
    auc, loss = on_all_rows(config, "AUC"), on_all_rows(config, "BinaryCrossentropy")
    assert auc.value_threshold.lower_bound.value == 0.9
    assert not auc.value_threshold.HasField("upper_bound")
    assert (auc.change_threshold.absolute.value, auc.change_threshold.direction) == (
        -0.01,
        config_pb2.HIGHER_IS_BETTER,
    )
    assert (loss.change_threshold.absolute.value, loss.change_threshold.direction) == (
        0.02,
        config_pb2.LOWER_IS_BETTER,
    )
    assert not loss.HasField("value_threshold")


def test_vs_champion_of_zero_is_a_bound():
    config = build_eval_config("y", EvaluationSettings(thresholds={"AUC": {"vs_champion": 0}}))
    assert on_all_rows(config, "AUC").change_threshold.HasField("absolute")


def test_slice_thresholds_name_columns_not_values():
    settings = EvaluationSettings(per_slice=[{"slice": ["a", "b"], "thresholds": {"Recall": {"lower": 0.2}}}])
    (threshold,) = metric(build_eval_config("y", settings), "Recall").per_slice_thresholds
    assert [list(spec.feature_keys) for spec in threshold.slicing_specs] == [["a", "b"]]
    assert threshold.threshold.value_threshold.lower_bound.value == 0.2
    assert not metric(build_eval_config("y", settings), "AUC").per_slice_thresholds
