"""What Evaluator measures: metrics, plots, slices, and the thresholds that a model must meet to be released."""

from tensorflow_model_analysis.proto import config_pb2

from flightline.config.evaluation import TASK_METRICS, EvaluationSettings
from flightline.config.feature_plan import transformed_name
from flightline.modeling.eval_config import metric_config, plot_config, slicing_spec
from flightline.serving.target import BINARY_TARGET, Target

# The report draws its curves from these, for binary labels: TFMA keeps them with the metrics of every slice.
PLOTS = {"CalibrationPlot": {"num_buckets": 20}, "ConfusionMatrixPlot": {"num_thresholds": 100}}


def build_eval_config(
    label: str, settings: EvaluationSettings, target: Target = BINARY_TARGET
) -> config_pb2.EvalConfig:
    """Build the config of TFMA for models that `export_model` writes.

    All metrics and plots are computed on the whole evaluation set and on each of `settings.slice_columns`: the slices,
    and those that have thresholds or gaps. A model is blessed when it meets every threshold, on the whole set and on
    every value of its slice. Bins and gaps between slices are not TFMA's: the Evaluator component adds them.

    - Without a champion, Evaluator drops the `vs_champion` thresholds.
    - A metric that is not a number (AUC on a slice with one class) fails its thresholds. TFMA's `min_slice_size` does
      not help: it drops the metrics of small slices, and a metric that is missing fails too.

    Args:
        label: the raw label column.
        settings: section `evaluation` of the config.
        target: what is predicted.
    """
    metrics = [metric_config(name, settings) for name in TASK_METRICS[target.task]]
    if target.task == "binary":
        metrics += [plot_config(name, options) for name, options in PLOTS.items()]
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                preprocessing_function_names=["transform_features"],
                label_key=transformed_name(label),
            )
        ],
        slicing_specs=[slicing_spec(columns) for columns in dict.fromkeys([(), *settings.slice_columns])],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )
