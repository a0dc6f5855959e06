"""The analysis: runs TFT's graph of phases over the data and builds the transform graph."""

import operator
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow_transform import nodes
from tensorflow_transform.beam import analysis_graph_builder, analyzer_cache, beam_nodes

from flightline.executors.transform import analyzers, cache, tracing
from flightline.executors.transform.analyzers.vocabulary import order_and_write_handlers
from flightline.executors.transform.job import SplitSource, TransformJob
from flightline.executors.transform.lazy_values import Batch, BatchStream, DataPass, LazyList
from flightline.executors.transform.raw_examples import RawExamples
from flightline.executors.transform.tfrecords import FeatureSpec
from flightline.executors.transform.tft_internals import TFT
from flightline.executors.transform.tracing import TracedFunction
from flightline.executors.transform.walker import Handlers, Walker

# The size of Beam's batches. The graph sums up a batch in float32: the variance of a larger one has fewer exact digits.
_BATCH_ROWS = 1024

EncodedCache = Mapping[analyzer_cache.DatasetKey, Mapping[bytes, LazyList]]


def plan_analysis(
    job: TransformJob, traced: TracedFunction, features: FeatureSpec, raw: RawExamples
) -> tuple[LazyList, EncodedCache]:
    """Plans the analysis without reading any data.

    Args:
        job: the execution.
        traced: its preprocessing_fn.
        features: how to parse the raw examples.
        raw: the splits to analyze.

    Returns:
        The directory of the finished graph, and the encoded accumulators for the analyzer cache. Both are computed when
        they are first read.

    Raises:
        UnsupportedTransformError: an analyzer, or the way it is used, is not supported.
    """
    caching = bool(job.cache_input_dir or job.cache_output_dir)
    entries = cache.find_entries(job.cache_input_dir, job.analyze_splits)
    model, encoded, _ = analysis_graph_builder.build(
        traced.graph,
        traced.inputs,
        traced.outputs,
        dataset_keys=[source.key for source in job.analyze_splits],
        cache_dict=entries if caching else None,
    )
    walker = Walker(
        {
            **analyzers.HANDLERS,
            **order_and_write_handlers(job.temp_dir, traced.graph),
            **cache.make_handlers(entries),
            **_graph_handlers(job, traced, features, raw),
        }
    )
    traverser = nodes.Traverser(walker)
    model_dir = traverser.visit_value_node(model)
    cached = {
        dataset: {key: traverser.visit_value_node(node) for key, node in by_key.items()}
        for dataset, by_key in (encoded or {}).items()
    }
    return model_dir, cached


def _graph_handlers(job: TransformJob, traced: TracedFunction, features: FeatureSpec, raw: RawExamples) -> Handlers:
    """Handlers of the nodes that connect analyzers with data and graphs (in TFT: `beam/impl.py`)."""

    def sources(op: beam_nodes.ExtractInputForSavedModel) -> tuple[LazyList]:
        selected = [
            s for s in job.analyze_splits if op.dataset_key.is_flattened_dataset_key() or s.key == op.dataset_key
        ]
        return (LazyList(lambda: selected),)

    def create_model(op: beam_nodes.CreateSavedModel, *bindings: LazyList) -> tuple[LazyList]:
        def create() -> list[Any]:
            bound = [binding.single() for binding in bindings]
            replacements = TFT.get_tensor_replacement_map(None, *bound) if bound else None
            if op.label == "CreateSavedModel":
                return [tracing.save_graph(job, traced, replacements)]
            return [tracing.build_phase_function(job, traced, features, op.output_signature, replacements)]

        return (LazyList(create),)

    def apply_model(_: beam_nodes.ApplySavedModel, model: LazyList, selected: LazyList) -> tuple[BatchStream]:
        source = DataPass(lambda: _apply_batches(model.single(), raw, selected.get()))
        return (BatchStream(source, lambda batch: batch),)

    return {
        beam_nodes.ExtractInputForSavedModel: sources,
        beam_nodes.CreateSavedModel: create_model,
        beam_nodes.ApplySavedModel: apply_model,
        beam_nodes.ExtractFromDict: _extract_keys,
        beam_nodes.Flatten: _flatten,
        beam_nodes.CreateTensorBinding: _bind_tensor,
    }


def _apply_batches(apply: tracing.BatchFn, raw: RawExamples, sources: list[SplitSource]) -> Iterator[Batch]:
    for source in sources:
        yield from map(apply, raw.batches(source, _BATCH_ROWS))


def _extract_keys(op: beam_nodes.ExtractFromDict, values: BatchStream | LazyList) -> tuple[BatchStream | LazyList]:
    if isinstance(op.keys, tuple):
        return (values.map(lambda by_key: tuple(by_key[key] for key in op.keys)),)
    return (values.map(operator.itemgetter(op.keys)),)


def _flatten(_: beam_nodes.Flatten, *inputs: LazyList) -> tuple[LazyList]:
    return (LazyList(lambda: [value for values in inputs for value in values.get()]),)


def _bind_tensor(op: beam_nodes.CreateTensorBinding, value: LazyList) -> tuple[LazyList]:
    return (value.map(lambda v: TFT.TensorBinding(v, op.tensor_name, op.dtype_enum, op.is_asset_filepath)),)
