"""Infers the schema of the transformed examples from the annotations that TFT adds to the graph while tracing.

TFT itself traces the preprocessing_fn once more for each schema; the graphs that exist already have all annotations.
In TFT this is `get_traced_metadata_fn` in `tensorflow_transform/schema_inference.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import schema_inference, tf2_utils

from flightline.executors.transform.tft_internals import TENSORFLOW, TFT

OutputNames = Mapping[str, str]
"""Name of the tensor that the preprocessing_fn returned → name of the output."""


def record_output_names(preprocessing_fn: Callable[..., Any], names: dict[str, str]) -> Callable[..., Any]:
    """Wraps the function so that it records its `OutputNames`: tracing copies the outputs under other names."""

    def record(inputs: Mapping[str, Any]) -> Any:
        outputs = preprocessing_fn(inputs)
        if isinstance(outputs, Mapping) and all(tf.is_tensor(output) for output in outputs.values()):
            names.clear()
            names.update(TFT.get_tensor_value_to_key_map(outputs))
        return outputs

    return record


def infer_schema_before_analysis(graph: tf.Graph, outputs: Mapping[str, Any], names: OutputNames) -> schema_pb2.Schema:
    """The schema before the analysis: it has which outputs are categorical, but not how many values they have."""
    ranges = TFT.TF_METADATA_TENSOR_COLLECTION
    ranged = [tf.constant(names[t.name]) for t in graph.get_collection(ranges) if t.name in names]
    return schema_inference.infer_feature_schema_v2(outputs, lambda: {ranges: ranged}, evaluate_schema_overrides=False)


def infer_schema_after_analysis(function: Any, names: OutputNames) -> schema_pb2.Schema:
    """The schema after the analysis.

    Args:
        function: the ConcreteFunction of the preprocessing_fn with all analyzers replaced by their results; its lookup
            tables must still exist.
        names: the output names that were recorded while it was traced.
    """
    annotations = {
        **TFT.get_schema_overrides(
            function.graph,
            names,
            TFT.TF_METADATA_TENSOR_COLLECTION,
            [TFT.TF_METADATA_TENSOR_MIN_COLLECTION, TFT.TF_METADATA_TENSOR_MAX_COLLECTION],
        ),
        **TFT.get_schema_overrides(
            function.graph,
            names,
            TFT.TF_METADATA_EXTRA_ANNOTATION,
            [TFT.TF_METADATA_EXTRA_ANNOTATION_TYPE_URL, TFT.TF_METADATA_EXTRA_ANNOTATION_PROTO],
            TFT.TF_METADATA_EXTRA_ANNOTATION_GLOBAL,
        ),
        TFT.METADATA_SPARSE_OUTPUT_OVERRIDES_FIELD: [TFT.get_sparse_output_annotations_v2(function.graph, names)],
    }
    values = _evaluate_tensors(function, annotations)
    return schema_inference.infer_feature_schema_v2(
        function.structured_outputs, lambda: values, evaluate_schema_overrides=True
    )


def prune_function(function: Any, inputs: Mapping[str, Any], fetches: list[Any]) -> Callable[..., list[Any]]:
    """The part of a ConcreteFunction's graph that computes `fetches`: a function of the flattened inputs."""
    wrapped = TENSORFLOW.WrappedFunction(function.graph, TENSORFLOW.VariableHolder(share_variables=True))
    return wrapped.prune(feeds=tf.nest.flatten(inputs, expand_composites=True), fetches=fetches)


def _evaluate_tensors(function: Any, annotations: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replaces the tensors of the graph by their values. They depend on no input, so the inputs are arbitrary."""
    inputs = tf2_utils.get_structured_inputs_from_func_graph(function.graph)
    flat = tf.nest.flatten(annotations)
    tensors = [value for value in flat if tf.is_tensor(value)]
    values = iter(())
    if tensors:
        pruned = prune_function(function, inputs, tensors)

        @tf.function(input_signature=[], autograph=False)
        def evaluate() -> list[tf.Tensor]:
            return pruned(*tf.nest.flatten(tf2_utils.supply_missing_inputs(inputs, 1), expand_composites=True))

        values = iter(evaluate())
    evaluated = [next(values) if tf.is_tensor(value) else tf.constant(value) for value in flat]
    return tf.nest.pack_sequence_as(annotations, evaluated)
