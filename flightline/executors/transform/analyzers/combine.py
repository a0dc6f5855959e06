"""Combiners over the whole data set: mean and variance, min and max, sum, size, quantiles, covariance.

The arithmetic is that of `tensorflow_transform.analyzers`; what Beam's CombineGlobally did around it
(`_CombinerWrapper`, `_PackedCombinerWrapper` of `beam/analyzer_impls.py`) is done here.
"""

import operator
from typing import Any

from tensorflow_transform import analyzer_nodes

from flightline.executors.transform.lazy_values import Batch, BatchStream, LazyList
from flightline.executors.transform.walker import Handlers


def merge_and_extract(combiner: analyzer_nodes.Combiner, accumulators: list[Any]) -> Any:
    """The combiner's output for all accumulators together; they are left as they were."""
    # Merging may write to the first accumulator: as in stock that is a fresh one, for the others go to the cache.
    return combiner.extract_output(combiner.merge_accumulators([combiner.create_accumulator(), *accumulators]))


def _accumulate(op: analyzer_nodes.CacheableCombineAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    combiner = op.combiner
    return (inputs.fold(combiner.create_accumulator(), combiner.add_input).map(combiner.compact),)


def _merge(op: analyzer_nodes.CacheableCombineMerge, accumulators: LazyList) -> tuple[LazyList]:
    return (LazyList(lambda: [merge_and_extract(op.combiner, accumulators.get())]),)


def _accumulate_packed(op: analyzer_nodes.PackedCombineAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    """Accumulators of many combiners, as one dictionary by the label of the combiner."""
    packed = op.combiners

    def add(accumulators: list[Any], batch: Batch) -> list[Any]:
        return [
            c.combiner.add_input(accumulator, tuple(batch[key] for key in c.keys))
            for c, accumulator in zip(packed, accumulators, strict=True)
        ]

    def by_label(accumulators: list[Any]) -> dict[str, Any]:
        return {c.label: c.combiner.compact(a) for c, a in zip(packed, accumulators, strict=True)}

    return (inputs.fold([c.combiner.create_accumulator() for c in packed], add).map(by_label),)


def _add_key(op: analyzer_nodes.AddKey, values: LazyList) -> tuple[LazyList]:
    return (values.map(lambda value: (op.key, value)),)


def _merge_packed(op: analyzer_nodes.PackedCombineMerge, keyed: LazyList) -> tuple[LazyList]:
    """Outputs of many combiners by label, from (label, accumulator) pairs in any order."""

    def merge() -> list[dict[str, Any]]:
        outputs = {}
        for packed in op.combiners:
            (key,) = packed.keys
            accumulators = [value for label, value in keyed.get() if label == key]
            outputs[packed.label] = merge_and_extract(packed.combiner, accumulators)
        return [outputs]

    return (LazyList(merge),)


def _extract_outputs(op: Any, outputs: LazyList) -> tuple[LazyList, ...]:
    """One list of one value for each output tensor of the analyzer."""
    return tuple(outputs.map(operator.itemgetter(i)) for i in range(op.num_outputs))


HANDLERS: Handlers = {
    analyzer_nodes.CacheableCombineAccumulate: _accumulate,
    analyzer_nodes.CacheableCombineMerge: _merge,
    analyzer_nodes.PackedCombineAccumulate: _accumulate_packed,
    analyzer_nodes.PackedCombineMerge: _merge_packed,
    analyzer_nodes.AddKey: _add_key,
    analyzer_nodes.ExtractCombineMergeOutputs: _extract_outputs,
    analyzer_nodes.ExtractPackedCombineMergeOutputs: _extract_outputs,
}
