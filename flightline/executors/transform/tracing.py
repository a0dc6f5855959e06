"""The preprocessing_fn as TensorFlow graphs: traced for the analysis and each phase, then saved with all results."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    TFTransformOutput,
    analyzer_nodes,
    annotators,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
    tf2_utils,
)
from tensorflow_transform.beam import common as beam_common
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from flightline.executors.transform import annotations
from flightline.executors.transform.job import PreprocessingFn, TransformJob
from flightline.executors.transform.lazy_values import Batch
from flightline.executors.transform.supported import check_outputs
from flightline.executors.transform.tfrecords import FeatureSpec
from flightline.executors.transform.tft_internals import TENSORFLOW, TFT

BatchFn = Callable[[tf.Tensor], Batch]
"""Serialized tf.Examples [rows] → the outputs of the graph, by name."""

Replacements = Mapping[str, tf.Tensor] | None
"""Name of an analyzer's placeholder → its result; of the analyzers computed so far."""


@dataclasses.dataclass(frozen=True)
class TracedFunction:
    """The preprocessing_fn traced with placeholders for the results of its analyzers.

    Attributes:
        function: the ConcreteFunction; its graph holds the pending analyzers in its collections.
        inputs: raw features by name.
        outputs: transformed features by name.
        output_names: see `annotations.OutputNames`.
        columns: names of the raw features that the analyzers or the outputs depend on; no others are read.
        asset_map: name of a vocabulary → its file name.
        fingerprint: what each analyzer depends on; tracing again must give the same.
        resources: lookup tables of the graph, which exist as long as something refers to them.
    """

    function: Any
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    output_names: annotations.OutputNames
    columns: Sequence[str]
    asset_map: dict[str, str]
    fingerprint: Mapping[str, Any]
    resources: object

    @property
    def graph(self) -> tf.Graph:
        return self.function.graph


def trace_preprocessing_fn(job: TransformJob) -> TracedFunction:
    """Traces the preprocessing_fn for the analysis.

    Raises:
        UnsupportedTransformError: its outputs are not dense columns.
    """
    names: dict[str, str] = {}
    function, resources = _make_concrete_function(
        job, annotations.record_output_names(job.preprocessing_fn, names), None, None
    )
    graph, outputs = function.graph, function.structured_outputs
    inputs = tf2_utils.get_structured_inputs_from_func_graph(graph)
    check_outputs(outputs, graph)
    asset_map = annotators.get_asset_annotations(graph)
    annotators.clear_asset_annotations(graph)
    fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
    columns = _needed_columns(graph, inputs, outputs)
    return TracedFunction(function, inputs, outputs, names, columns, asset_map, fingerprint, resources)


def _make_concrete_function(
    job: TransformJob, preprocessing_fn: PreprocessingFn, replacements: Replacements, names: dict[str, str] | None
) -> tuple[Any, object]:
    """A ConcreteFunction that returns the named tensors (all outputs for None), and objects that must outlive it."""
    module = tf.Module()
    context = graph_context.TFGraphContext(module, job.temp_dir, replacements)
    function = impl_helper.get_traced_transform_fn(preprocessing_fn, job.specs, context, names)
    resources, objects = TENSORFLOW.ResourceTracker(), annotators.ObjectTracker()
    with TENSORFLOW.resource_tracker_scope(resources), annotators.object_tracker_scope(objects):
        return function.get_concrete_function(), (module, resources, objects)


def _needed_columns(graph: tf.Graph, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
    """The result of `tft.get_analyze_input_columns` and `get_transform_input_columns`, without tracing again."""
    sourced = graph_tools.SourcedTensorsVisitor()
    for sink in graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
        nodes.Traverser(sourced).visit_value_node(sink.future)
    tensors, control_dependencies = tf2_utils.strip_and_get_tensors_and_control_dependencies(list(outputs.values()))
    ends = [*sourced.sourced_tensors, *tensors, *control_dependencies]
    return sorted(graph_tools.get_dependent_inputs(graph, inputs, ends))


def build_phase_function(
    job: TransformJob,
    traced: TracedFunction,
    features: FeatureSpec,
    tensors: Mapping[str, tf.Tensor],
    replacements: Replacements,
) -> BatchFn:
    """Builds the graph that computes the inputs of one phase's analyzers.

    Args:
        job: the execution.
        traced: the graph that was traced for the analysis.
        features: how to parse the raw examples.
        tensors: name of an output → the tensor of `traced.graph` to compute.
        replacements: results of the earlier phases.
    """
    phase, resources = (
        _later_phase(job, traced, tensors, replacements) if replacements else _first_phase(traced, tensors)
    )
    missing = [name for name in traced.inputs if name not in traced.columns]

    def apply(raw: dict[str, Any]) -> dict[str, tf.Tensor]:
        # The function needs every feature; those that are not read are empty. (No names would mean all of them.)
        empty_inputs = tf2_utils.supply_missing_inputs(traced.inputs, 1, missing) if missing else {}
        return phase({**raw, **empty_inputs})

    return _with_example_parsing(apply, {name: features[name] for name in traced.columns}, keep_alive=resources)


_Phase = Callable[[dict[str, Any]], dict[str, tf.Tensor]]


def _first_phase(traced: TracedFunction, tensors: Mapping[str, tf.Tensor]) -> tuple[_Phase, object]:
    """The part of the traced graph that depends on no analyzer, with the assertions in the user's code."""
    pruned = annotations.prune_function(
        traced.function, traced.inputs, [*tensors.values(), *traced.function.graph.control_outputs]
    )

    def phase(raw: dict[str, Any]) -> dict[str, tf.Tensor]:
        return dict(zip(tensors, pruned(*tf.nest.flatten(raw, expand_composites=True)), strict=False))

    return phase, traced


def _later_phase(
    job: TransformJob, traced: TracedFunction, tensors: Mapping[str, tf.Tensor], replacements: Replacements
) -> tuple[_Phase, object]:
    names = {key: tensor.name for key, tensor in tensors.items()}
    concrete, resources = _make_concrete_function(job, job.preprocessing_fn, replacements, names)
    _check_analyzers(traced, concrete.graph)
    return concrete, resources


def _check_analyzers(traced: TracedFunction, graph: tf.Graph) -> None:
    """Checks that tracing again gave the same analyzers.

    Raises:
        RuntimeError: it did not.
    """
    structured = tf2_utils.get_structured_inputs_from_func_graph(graph)
    TFT.validate_analyzers_fingerprint(traced.fingerprint, graph, structured)


def save_graph(job: TransformJob, traced: TracedFunction, replacements: Replacements) -> str:
    """Writes the finished graph as stock Transform does; returns its directory, in `job.temp_dir`."""
    directory = beam_common.get_unique_temp_path(job.temp_dir)
    names: dict[str, str] = {}
    module = tf.Module()
    context = graph_context.TFGraphContext(module, job.temp_dir, replacements)
    function = impl_helper.get_traced_transform_fn(
        annotations.record_output_names(job.preprocessing_fn, names), job.specs, context
    )
    concrete = saved_transform_io_v2.write_v2_saved_model(module, function, "transform_fn", directory, job.save_options)
    _check_analyzers(traced, concrete.graph)
    TFT.assert_no_analyzers_in_graph(concrete.graph)
    metadata = dataset_metadata.DatasetMetadata(annotations.infer_schema_after_analysis(concrete, names))
    metadata_io.write_metadata(metadata, f"{directory}/{impl_helper.METADATA_DIR_NAME}")
    return directory


def schema_before_analysis(traced: TracedFunction) -> schema_pb2.Schema:
    """Schema of the transformed examples without the analyzers' results, such as sizes of vocabularies.

    Stock Transform validates the post-transform statistics with this schema.
    """
    return annotations.infer_schema_before_analysis(traced.graph, traced.outputs, traced.output_names)


def publish_graph(job: TransformJob, traced: TracedFunction, model_dir: str) -> schema_pb2.Schema:
    """Moves the finished graph from `model_dir` to the artifact, and writes the schemas before and after it.

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


def load_graph(job: TransformJob, traced: TracedFunction, features: FeatureSpec) -> BatchFn:
    """Loads the published graph, so that the rows here are transformed by the same graph as in serving."""
    loader = saved_transform_io_v2.SavedModelLoader(f"{job.output_dir}/{TFTransformOutput.TRANSFORM_FN_DIR}")
    loader.finalize(set(traced.columns), set(traced.outputs))
    columns = {name: features[name] for name in traced.columns}
    return _with_example_parsing(loader.apply_transform_model, columns, keep_alive=loader)


def _with_example_parsing(
    apply: Callable[[dict[str, Any]], dict[str, tf.Tensor]], features: FeatureSpec, keep_alive: object
) -> BatchFn:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def parse_and_apply(records: tf.Tensor) -> dict[str, tf.Tensor]:
        return apply(tf.io.parse_example(records, features) if features else {})

    def run(records: tf.Tensor, _: object = keep_alive) -> Batch:
        return {name: np.asarray(tensor) for name, tensor in parse_and_apply(records).items()}

    return run
