"""An execution becomes a job: config with defaults, model paths, files in order; unsupported inputs are refused."""

from pathlib import Path
from typing import Any

import pytest
from small_models import make_example, write_model, write_records
from tensorflow_model_analysis.proto import config_pb2
from tfx.types import artifact, standard_artifacts
from tfx.utils import proto_utils

from flightline.executors.evaluator.job import read_job
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

CONFIG = config_pb2.EvalConfig(
    model_specs=[config_pb2.ModelSpec(label_key="late")],
    metrics_specs=[config_pb2.MetricsSpec(metrics=[config_pb2.MetricConfig(class_name="AUC")])],
)


def make_artifact(kind: type[artifact.Artifact], uri: Path) -> artifact.Artifact:
    result = kind()
    result.uri = str(uri)
    return result


@pytest.fixture
def execution(tmp_path: Path) -> dict[str, Any]:
    for name in ("Split-eval/b", "Split-eval/a.gz", "Split-test/c"):
        path = tmp_path / "examples" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_records(path, [make_example({"late": [1]}, {})])
    write_model(tmp_path / "model" / "Format-Serving")
    examples = make_artifact(standard_artifacts.Examples, tmp_path / "examples")
    examples.split_names = '["eval", "test"]'
    return {
        "inputs": {
            "examples": [examples],
            "model": [make_artifact(standard_artifacts.Model, tmp_path / "model")],
        },
        "outputs": {"evaluation": [make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")]},
        "exec_properties": {"eval_config": proto_utils.proto_to_json(CONFIG), "example_splits": "null"},
    }


def test_a_single_model_has_no_name(execution: dict[str, Any], tmp_path: Path) -> None:
    job = read_job(**execution)
    assert job.model_paths == {"": str(tmp_path / "model" / "Format-Serving")}
    assert job.eval_config.metrics_specs[0].model_names == [""]
    assert job.output_path == str(tmp_path / "evaluation")


def test_the_eval_split_is_the_default(execution: dict[str, Any]) -> None:
    assert [Path(path).name for path in read_job(**execution).example_files] == ["a.gz", "b"]
    execution["exec_properties"]["example_splits"] = '["test", "eval"]'
    assert [Path(path).name for path in read_job(**execution).example_files] == ["c", "a.gz", "b"]


def test_a_champion_makes_two_models(execution: dict[str, Any]) -> None:
    execution["inputs"]["baseline_model"] = execution["inputs"]["model"]
    job = read_job(**execution)
    assert job.model_paths.keys() == {"candidate", "baseline"}
    assert [spec.is_baseline for spec in job.eval_config.model_specs] == [False, True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"module_file": "evaluation.py"}, "module_file is set"),
        ({"module_path": "evaluation"}, "module_path is set"),
        ({"fairness_indicator_thresholds": "[0.5]"}, "fairness_indicator_thresholds is set"),
        ({"eval_config": None}, "no eval_config"),
    ],
)
def test_unsupported_properties_are_refused(execution: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    execution["exec_properties"].update(change)
    with pytest.raises(UnsupportedEvaluationError, match=reason):
        read_job(**execution)


def test_unsupported_inputs_are_refused(execution: dict[str, Any], tmp_path: Path) -> None:
    execution["inputs"]["schema"] = [make_artifact(standard_artifacts.Schema, tmp_path)]
    with pytest.raises(UnsupportedEvaluationError, match="a schema is given"):
        read_job(**execution)


def set_prediction_keys(execution: dict[str, Any], *names: str) -> None:
    """Configures models with these names whose predictions are a feature of the examples."""
    config = config_pb2.EvalConfig.FromString(CONFIG.SerializeToString())
    del config.model_specs[:]
    for name in names:
        config.model_specs.add(name=name, label_key="late", prediction_key="score")
    execution["exec_properties"]["eval_config"] = proto_utils.proto_to_json(config)


def test_predictions_are_read_from_the_examples_without_a_model(execution: dict[str, Any]) -> None:
    del execution["inputs"]["model"]
    set_prediction_keys(execution, "")
    job = read_job(**execution)
    assert job.model_paths == {}
    assert job.eval_config.model_specs[0].prediction_key == "score"


def test_a_job_without_model_and_prediction_key_is_refused(execution: dict[str, Any]) -> None:
    del execution["inputs"]["model"]
    with pytest.raises(UnsupportedEvaluationError, match="there is no model"):
        read_job(**execution)


def test_a_prediction_key_together_with_a_model_is_refused(execution: dict[str, Any]) -> None:
    set_prediction_keys(execution, "")
    with pytest.raises(UnsupportedEvaluationError, match="prediction_key is set although there is a model"):
        read_job(**execution)


def test_payloads_other_than_examples_are_refused(execution: dict[str, Any]) -> None:
    execution["inputs"]["examples"][0].set_string_custom_property("payload_format", "FORMAT_PROTO")
    with pytest.raises(UnsupportedEvaluationError, match="payload format is FORMAT_PROTO"):
        read_job(**execution)


def test_model_types_other_than_generic_are_refused(execution: dict[str, Any]) -> None:
    config = config_pb2.EvalConfig.FromString(CONFIG.SerializeToString())
    config.model_specs[0].model_type = "tf_keras"
    execution["exec_properties"]["eval_config"] = proto_utils.proto_to_json(config)
    with pytest.raises(UnsupportedEvaluationError, match="treats the model as tf_keras"):
        read_job(**execution)
