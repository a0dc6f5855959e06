"""Supported configs pass; every other field, option and metric is refused by name."""

from collections.abc import Callable

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError, require_supported

TYPICAL = """
  model_specs { signature_name: "serving_default" label_key: "late" preprocessing_function_names: "transform_features" }
  slicing_specs {}
  slicing_specs { feature_keys: "origin" feature_values { key: "month" value: "1" } }
  metrics_specs {
    model_names: ""
    metrics { class_name: "ExampleCount" }
    metrics {
      class_name: "AUC"
      config: '{"name": "roc", "num_thresholds": 200}'
      threshold { value_threshold { lower_bound { value: 0.5 } } }
      per_slice_thresholds {
        slicing_specs { feature_keys: "origin" }
        threshold { value_threshold { lower_bound { value: 0.5 } } }
      }
    }
    thresholds { key: "roc" value { value_threshold { lower_bound { value: 0.5 } } } }
  }
  options { include_default_metrics { value: false } min_slice_size { value: 1 } compute_confidence_intervals {} }
"""


def typical() -> config_pb2.EvalConfig:
    return text_format.Parse(TYPICAL, config_pb2.EvalConfig())


def test_the_typical_config_is_supported() -> None:
    require_supported(typical())


@pytest.mark.parametrize(
    ("addition", "reason"),
    [
        ("cross_slicing_specs { baseline_spec {} }", "EvalConfig.cross_slicing_specs is set"),
        ("options { compute_confidence_intervals { value: true } }", "confidence intervals"),
        ("options { min_slice_size { value: 10 } }", "min_slice_size is 10"),
        ('options { disabled_outputs { values: "eval_config" } }', "Options.disabled_outputs is set"),
        ('slicing_specs { slice_keys_sql: "SELECT 1" }', "SlicingSpec.slice_keys_sql is set"),
        ('model_specs { name: "b" }', "model 'b' has no label_key"),
        ('model_specs { label_key: "l" example_weight_key: "w" }', "ModelSpec.example_weight_key is set"),
        ('model_specs { label_keys { key: "a" value: "l" } }', "ModelSpec.label_keys is set"),
        ('model_specs { label_key: "l" padding_options {} }', "ModelSpec.padding_options is set"),
        ('model_specs { label_key: "l" preprocessing_function_names: "_f@x" }', "preprocessing function of TFMA"),
        ('metrics_specs { query_key: "q" }', "MetricsSpec.query_key is set"),
        ('metrics_specs { output_names: "o" }', "MetricsSpec.output_names is set"),
        ("metrics_specs { binarize {} }", "MetricsSpec.binarize is set"),
        ("metrics_specs { aggregate {} }", "MetricsSpec.aggregate is set"),
        ("metrics_specs { example_weights {} }", "MetricsSpec.example_weights is set"),
        ('metrics_specs { metrics { class_name: "FairnessIndicators" } }', "metric FairnessIndicators is not"),
        ('metrics_specs { metrics { class_name: "AUC" module: "my.metrics" } }', "MetricConfig.module is set"),
        ("""metrics_specs { metrics { class_name: "AUC" config: '{"class_id": 1}' } }""", "option 'class_id'"),
    ],
)
def test_unsupported_fields_options_and_metrics_are_refused_by_name(addition: str, reason: str) -> None:
    config = typical()
    text_format.Merge(addition, config)
    with pytest.raises(UnsupportedEvaluationError, match=reason):
        require_supported(config)


@pytest.mark.parametrize(
    "remove",
    [lambda config: config.ClearField("metrics_specs"), lambda config: config.metrics_specs[0].ClearField("metrics")],
)
def test_metrics_from_inside_the_model_are_refused(remove: Callable[[config_pb2.EvalConfig], None]) -> None:
    config = typical()
    remove(config)
    with pytest.raises(UnsupportedEvaluationError, match="inside the model"):
        require_supported(config)
