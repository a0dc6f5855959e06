"""The inputs and parameters of an Evaluator execution, read as the stock executor reads them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util, model_util
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from flightline.executors.evaluator.bins import Edges
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError, require_supported
from flightline.executors.evaluator.tfma_internals import TFMA

Artifacts = Mapping[str, Sequence[types.Artifact]]

# A property of ours, in addition to the standard ones of an Evaluator.
VS_CHAMPION_CONFIDENCE = "vs_champion_confidence"
_UNSUPPORTED_PROPERTIES = (keys.MODULE_FILE_KEY, keys.MODULE_PATH_KEY, keys.FAIRNESS_INDICATOR_THRESHOLDS_KEY)


@dataclasses.dataclass(frozen=True)
class EvaluationJob:
    """One evaluation: the config with TFMA's defaults applied, the models, the data, and where results go.

    Attributes:
      eval_config: as TFMA writes it into eval_config.json.
      model_paths: SavedModel directory by model name; the only model is named ''. Empty where the predictions are in
        the examples, under the spec's `prediction_key`.
      example_files: TFRecord files of serialized tf.Examples, in a fixed order.
      output_path: directory of the ModelEvaluation artifact.
      vs_champion_confidence: confidence with which the candidate must not be worse than the thresholds against the
        champion allow; None where the measured difference decides.
      edges: of the bins of numeric columns in slices.
    """

    eval_config: config_pb2.EvalConfig
    model_paths: Mapping[str, str]
    example_files: Sequence[str]
    output_path: str
    vs_champion_confidence: float | None = None
    edges: Edges = dataclasses.field(default_factory=dict)


def read_job(
    inputs: Artifacts, outputs: Artifacts, exec_properties: Mapping[str, Any], edges: Edges | None = None
) -> EvaluationJob:
    """Read the arguments of `Executor.Do`; `edges` are those of the bins of numeric columns in slices.

    Raises:
      UnsupportedEvaluationError: something in them is not supported or missing, or TFMA lacks what is needed.
    """
    if problem := TFMA.find_problem():
        raise UnsupportedEvaluationError(problem)
    if not inputs.get(keys.EXAMPLES_KEY):
        raise UnsupportedEvaluationError(f"there is no input {keys.EXAMPLES_KEY!r}")
    if inputs.get(keys.SCHEMA_KEY):
        raise UnsupportedEvaluationError("a schema is given")
    for key in _UNSUPPORTED_PROPERTIES:
        if exec_properties.get(key) not in (None, "", "null", "[]"):
            raise UnsupportedEvaluationError(f"{key} is set")
    eval_config = _read_config(exec_properties, has_baseline=bool(inputs.get(keys.BASELINE_MODEL_KEY)))
    require_supported(eval_config)
    _require_predictions(eval_config, has_model=bool(inputs.get(keys.MODEL_KEY)))
    return EvaluationJob(
        eval_config=eval_config,
        model_paths=_model_paths(eval_config, inputs),
        example_files=_example_files(inputs[keys.EXAMPLES_KEY], exec_properties),
        output_path=artifact_utils.get_single_uri(list(outputs[keys.EVALUATION_KEY])),
        vs_champion_confidence=exec_properties.get(VS_CHAMPION_CONFIDENCE),
        edges=edges or {},
    )


def _read_config(exec_properties: Mapping[str, Any], has_baseline: bool) -> config_pb2.EvalConfig:
    text = exec_properties.get(keys.EVAL_CONFIG_KEY)
    if not text:
        raise UnsupportedEvaluationError("there is no eval_config")
    eval_config = config_pb2.EvalConfig()
    proto_utils.json_to_proto(text, eval_config)
    eval_config = config_util.update_eval_config_with_defaults(
        eval_config, has_baseline=has_baseline, rubber_stamp=True
    )
    config_util.verify_eval_config(eval_config)
    return eval_config


def _require_predictions(eval_config: config_pb2.EvalConfig, has_model: bool) -> None:
    """Require predictions of models, or of one feature of the examples; nothing in between is supported."""
    keys_given = [bool(spec.prediction_key) for spec in eval_config.model_specs]
    if has_model and any(keys_given):
        raise UnsupportedEvaluationError("ModelSpec.prediction_key is set although there is a model")
    if not has_model and keys_given != [True]:
        raise UnsupportedEvaluationError("there is no model, and not one ModelSpec with a prediction_key")


def _model_paths(eval_config: config_pb2.EvalConfig, inputs: Artifacts) -> dict[str, str]:
    paths: dict[str, str] = {}
    if not inputs.get(keys.MODEL_KEY):
        return paths
    for spec in eval_config.model_specs:
        key = keys.BASELINE_MODEL_KEY if spec.is_baseline else keys.MODEL_KEY
        model = artifact_utils.get_single_instance(list(inputs[key]))
        path = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        model_type = model_util.get_model_type(spec, path)
        if model_type != constants.TF_GENERIC:
            raise UnsupportedEvaluationError(f"TFMA treats the model as {model_type}, which may contain metrics")
        paths[spec.name] = path
    return paths


def _example_files(examples: Sequence[types.Artifact], exec_properties: Mapping[str, Any]) -> list[str]:
    for artifact in examples:
        payload = examples_utils.get_payload_format(artifact)
        if payload != example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE:
            raise UnsupportedEvaluationError(f"the payload format is {example_gen_pb2.PayloadFormat.Name(payload)}")
    splits = json_utils.loads(exec_properties.get(keys.EXAMPLE_SPLITS_KEY) or "null") or ["eval"]
    return [
        path
        for split in splits
        for uri in artifact_utils.get_split_uris(list(examples), split)
        for path in sorted(tf.io.gfile.glob(io_utils.all_files_pattern(uri)))
    ]
