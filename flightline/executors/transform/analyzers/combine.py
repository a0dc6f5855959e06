"""Combiners over the whole data set: mean and variance, min and max, sum, size, quantiles, covariance.

The arithmetic is that of `tensorflow_transform.analyzers`; this module does what Beam's CombineGlobally does around it
(in TFT: `_CombinerWrapper` and `_PackedCombinerWrapper` in `beam/analyzer_impls.py`).
"""

import operator
from typing import Any

from tensorflow_transform import analyzer_nodes

from flightline.executors.transform.lazy_values import Batch, BatchStream, LazyList
from flightline.executors.transform.walker import Handlers


def merge_and_extract(combiner: analyzer_nodes.Combiner, accumulators: list[Any]) -> Any:
    """The combiner's output for all accumulators together; the accumulators are not changed."""
    # Merging may change the first accumulator, so it is a new one; the others are written to the cache.
    return combiner.extract_output(combiner.merge_accumulators([combiner.create_accumulator(), *accumulators]))


def _accumulate(op: analyzer_nodes.CacheableCombineAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    combiner = op.combiner
    return (inputs.fold(combiner.create_accumulator(), combiner.add_input).map(combiner.compact),)


def _merge(op: analyzer_nodes.CacheableCombineMerge, accumulators: LazyList) -> tuple[LazyList]:
    return (LazyList(lambda: [merge_and_extract(op.combiner, accumulators.get())]),)


def _accumulate_packed(op: analyzer_nodes.PackedCombineAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    """Runs many combiners in one pass: label of the combiner → its accumulator."""
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
    """Merges (label, accumulator) pairs in any order: label of the combiner → its output."""

    def merge() -> list[dict[str, Any]]:
        outputs = {}
        for packed in op.combiners:
            (key,) = packed.keys
            accumulators = [value for label, value in keyed.get() if label == key]
            outputs[packed.label] = merge_and_extract(packed.combiner, accumulators)
        return [outputs]

    return (LazyList(merge),)


def _extract_outputs(op: Any, outputs: LazyList) -> tuple[LazyList, ...]:
    """A list with one value for each output tensor of the analyzer."""
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
