"""The preprocessing_fn as TensorFlow graphs: traced for analysis, per phase, and saved when all is known."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.trackable import resource
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    TFTransformOutput,
    analyzer_nodes,
    annotators,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
    schema_inference,
    tf2_utils,
)
from tensorflow_transform.beam import common as beam_common
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from pipeline.fast.transform.dataflow import Batch
from pipeline.fast.transform.job import Job
from pipeline.fast.transform.records import FeatureSpec
from pipeline.fast.transform.support import check_outputs

BatchFn = Callable[[tf.Tensor], Batch]
"""Takes serialized tf.Examples [rows]; gives the outputs of the graph, by name."""

Replacements = Mapping[str, tf.Tensor] | None
"""Results of the analyzers evaluated so far, by the name of the placeholder they stand for."""


@dataclasses.dataclass(frozen=True)
class Traced:
    """The graph of the preprocessing_fn with placeholders for the results of its analyzers.

    Attributes:
        graph: holds the pending analyzers in its collections.
        inputs: raw features by name.
        outputs: transformed features by name.
        columns: names of the raw features that the analyzers or the outputs depend on, the only ones to read.
        asset_map: file names of vocabularies by their names.
        fingerprint: what each analyzer depends on: tracing again must find the same.
    """

    graph: tf.Graph
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    columns: Sequence[str]
    asset_map: dict[str, str]
    fingerprint: Mapping[str, Any]


def trace(job: Job) -> Traced:
    """Traces the preprocessing_fn for the analysis.

    Raises:
        Unsupported: when its outputs are not dense columns.
    """
    graph, inputs, outputs = impl_helper.trace_preprocessing_function(
        job.preprocessing_fn, job.specs, use_tf_compat_v1=False, base_temp_dir=job.temp_dir
    )
    check_outputs(outputs, graph)
    asset_map = annotators.get_asset_annotations(graph)
    annotators.clear_asset_annotations(graph)
    fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
    return Traced(graph, inputs, outputs, _needed_columns(graph, inputs, outputs), asset_map, fingerprint)


def _needed_columns(graph: tf.Graph, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
    """What `tft.get_analyze_input_columns` and `tft.get_transform_input_columns` give, without tracing again."""
    sourced = graph_tools.SourcedTensorsVisitor()
    for sink in graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
        nodes.Traverser(sourced).visit_value_node(sink.future)
    tensors, control_dependencies = tf2_utils.strip_and_get_tensors_and_control_dependencies(list(outputs.values()))
    ends = [*sourced.sourced_tensors, *tensors, *control_dependencies]
    return sorted(graph_tools.get_dependent_inputs(graph, inputs, ends))


def phase_function(
    job: Job, traced: Traced, features: FeatureSpec, tensors: Mapping[str, tf.Tensor], replacements: Replacements
) -> BatchFn:
    """The graph that computes the inputs of one phase's analyzers.

    Args:
        job: the execution.
        traced: the graph traced for the analysis, whose tensors are wanted.
        features: how to parse the raw examples.
        tensors: wanted tensors of `traced.graph`, by the name of the output.
        replacements: results of the earlier phases.
    """
    names = {key: tensor.name for key, tensor in tensors.items()}
    module = tf.Module()
    context = graph_context.TFGraphContext(module, job.temp_dir, replacements)
    function = impl_helper.get_traced_transform_fn(job.preprocessing_fn, job.specs, context, names)
    resources, objects = resource.ResourceTracker(), annotators.ObjectTracker()
    with resource.resource_tracker_scope(resources), annotators.object_tracker_scope(objects):
        concrete = function.get_concrete_function()
    structured = tf2_utils.get_structured_inputs_from_func_graph(concrete.graph)
    impl_helper._validate_analyzers_fingerprint(traced.fingerprint, concrete.graph, structured)
    missing = [name for name in traced.inputs if name not in traced.columns]

    def apply(raw: dict[str, Any]) -> dict[str, tf.Tensor]:
        # The function takes every feature: those that nothing depends on are fed empty. No names would mean all.
        unread = tf2_utils.supply_missing_inputs(traced.inputs, 1, missing) if missing else {}
        return concrete({**raw, **unread})

    return _on_examples(
        apply, {name: features[name] for name in traced.columns}, keep_alive=(module, resources, objects)
    )


def save(job: Job, traced: Traced, replacements: Replacements) -> str:
    """Writes the finished graph as stock does; returns its directory, in `job.temp_dir`."""
    directory = beam_common.get_unique_temp_path(job.temp_dir)
    impl_helper.trace_and_write_v2_saved_model(
        directory,
        job.preprocessing_fn,
        job.specs,
        job.temp_dir,
        traced.fingerprint,
        replacements,
        {},  # all outputs
        job.save_options,
    )
    return directory


def unevaluated_schema(job: Job, traced: Traced) -> schema_pb2.Schema:
    """Schema of the transformed examples without what the analyzers found, such as the sizes of vocabularies.

    It is what stock validates the post-transform statistics against.
    """
    context = graph_context.TFGraphContext(tf.Module(), job.temp_dir, {})
    metadata_fn = schema_inference.get_traced_metadata_fn(
        job.preprocessing_fn, traced.inputs, context, evaluate_schema_overrides=False
    )
    return schema_inference.infer_feature_schema_v2(traced.outputs, metadata_fn, evaluate_schema_overrides=False)


def publish(job: Job, traced: Traced, model_dir: str) -> schema_pb2.Schema:
    """Moves the finished graph from `model_dir` to the artifact, with its metadata and that of the raw examples.

    Returns:
        The schema of the transformed examples.
    """
    raw = dataset_metadata.DatasetMetadata(job.schema)
    metadata_io.write_metadata(raw, f"{job.output_dir}/{TFTransformOutput.RAW_METADATA_DIR}")
    metadata_dir = f"{model_dir}/{impl_helper.METADATA_DIR_NAME}"
    transformed = metadata_io.read_metadata(metadata_dir)
    transformed_dir = f"{job.output_dir}/{TFTransformOutput.TRANSFORMED_METADATA_DIR}"
    metadata_io.write_metadata(transformed, transformed_dir)
    if traced.asset_map:
        with tf.io.gfile.GFile(f"{transformed_dir}/{TFTransformOutput.ASSET_MAP}", "w") as out:
            out.write(json.dumps(traced.asset_map))
    tf.io.gfile.rmtree(metadata_dir)
    tf.io.gfile.rename(model_dir, f"{job.output_dir}/{TFTransformOutput.TRANSFORM_FN_DIR}", overwrite=True)
    return transformed.schema


def load(job: Job, traced: Traced, features: FeatureSpec) -> BatchFn:
    """The published graph: what transforms the rows here is what will transform them in serving."""
    loader = saved_transform_io_v2.SavedModelLoader(f"{job.output_dir}/{TFTransformOutput.TRANSFORM_FN_DIR}")
    loader.finalize(set(traced.columns), set(traced.outputs))
    columns = {name: features[name] for name in traced.columns}
    return _on_examples(loader.apply_transform_model, columns, keep_alive=loader)


def _on_examples(
    apply: Callable[[dict[str, Any]], dict[str, tf.Tensor]], features: FeatureSpec, keep_alive: object
) -> BatchFn:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def parse_and_apply(records: tf.Tensor) -> dict[str, tf.Tensor]:
        return apply(tf.io.parse_example(records, features) if features else {})

    def run(records: tf.Tensor, _: object = keep_alive) -> Batch:
        return {name: np.asarray(tensor) for name, tensor in parse_and_apply(records).items()}

    return run
