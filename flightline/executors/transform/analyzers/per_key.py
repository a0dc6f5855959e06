"""Combiners per key: scale_to_z_score_per_key, bucketize_per_key, count_per_key and similar.

In TFT these are the `CombinePerKey` transforms in `beam/analyzer_impls.py`.
"""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes

from flightline.executors.transform.analyzers.combine import merge_and_extract
from flightline.executors.transform.lazy_values import BatchStream, LazyList
from flightline.executors.transform.tft_internals import TFT
from flightline.executors.transform.walker import Handlers


def _accumulate(op: analyzer_nodes.CacheableCombinePerKeyAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    combiner = op.combiner

    def add(accumulators: dict[Any, Any], batch: tuple[np.ndarray, ...]) -> dict[Any, Any]:
        for key, values in TFT.split_inputs_by_key(batch):
            accumulator = accumulators[key] if key in accumulators else combiner.create_accumulator()
            accumulators[key] = combiner.add_input(accumulator, values)
        return accumulators

    folded = inputs.fold({}, add)
    return (LazyList(lambda: [(key, combiner.compact(value)) for key, value in folded.single().items()]),)


def _merge(op: analyzer_nodes.CacheableCombinePerKeyMerge, keyed: LazyList) -> tuple[LazyList]:
    def merge() -> Iterable[tuple[Any, Any]]:
        by_key: dict[Any, list[Any]] = {}
        for key, accumulator in keyed.get():
            by_key.setdefault(key, []).append(accumulator)
        for key, accumulators in by_key.items():
            yield key, merge_and_extract(op.combiner, accumulators)

    return (LazyList(merge),)


def _format_keys(op: analyzer_nodes.CacheableCombinePerKeyFormatKeys, keyed: LazyList) -> tuple[LazyList, ...]:
    """The sorted keys, then the values of each output in the same order."""
    dtypes = [info.dtype for info in op.combiner.output_tensor_infos()]

    def tag_outputs() -> list[dict[str, np.ndarray]]:
        return [{output.tag: output.value for output in TFT.merge_outputs_by_key(keyed.get(), dtypes)}]

    tagged = LazyList(tag_outputs)
    return tuple(tagged.map(operator.itemgetter(tag)) for tag in ("key", *map(str, range(len(dtypes)))))


def _format_large(_: analyzer_nodes.CacheableCombinePerKeyFormatLarge, keyed: LazyList) -> tuple[LazyList]:
    """(values joined by commas, key) pairs, which are written as a vocabulary with frequencies."""
    to_str = tf.compat.as_str_any
    return (keyed.map(lambda pair: (to_str(",".join(map(to_str, pair[1]))), pair[0])),)


def _join_boundaries(
    op: analyzer_nodes.ScaleAndFlattenPerKeyBucketBouandaries, boundaries: LazyList
) -> tuple[LazyList, ...]:
    joined = boundaries.map(TFT.join_boundary_rows)
    return tuple(joined.map(operator.itemgetter(i)) for i in range(op.num_outputs))


HANDLERS: Handlers = {
    analyzer_nodes.CacheableCombinePerKeyAccumulate: _accumulate,
    analyzer_nodes.CacheableCombinePerKeyMerge: _merge,
    analyzer_nodes.CacheableCombinePerKeyFormatKeys: _format_keys,
    analyzer_nodes.CacheableCombinePerKeyFormatLarge: _format_large,
    analyzer_nodes.ScaleAndFlattenPerKeyBucketBouandaries: _join_boundaries,
}
