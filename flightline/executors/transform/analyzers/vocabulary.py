"""Vocabularies ordered by frequency, plain or weighted.

In TFT these are the `Vocabulary*` transforms in `beam/analyzer_impls.py`. A token is bytes or int; its count is an int,
or a float if it is weighted.
"""

import collections
import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes
from tensorflow_transform.beam import analyzer_impls

from flightline.executors.transform.lazy_values import BatchStream, LazyList
from flightline.executors.transform.supported import UnsupportedTransformError
from flightline.executors.transform.tft_internals import TFT
from flightline.executors.transform.walker import Handlers

CountedTokens = list[tuple[Any, Any]]
"""(count, token) pairs."""


def _accumulate(op: analyzer_nodes.VocabularyAccumulate, inputs: BatchStream) -> tuple[LazyList]:
    """(token, count) pairs."""
    if op.vocab_ordering_type == TFT.VocabOrderingType.FREQUENCY:
        counts = inputs.fold(collections.Counter(), _count_tokens)
    elif op.vocab_ordering_type == TFT.VocabOrderingType.WEIGHTED_FREQUENCY:
        counts = inputs.fold(collections.Counter(), _add_weights)
    else:
        raise UnsupportedTransformError(f"vocabulary {op.label} is ordered by its association with a label")
    return (LazyList(lambda: counts.single().items()),)


def _count_tokens(counts: collections.Counter, batch: tuple[np.ndarray]) -> collections.Counter:
    (tokens,) = batch
    counts.update(tokens.tolist())
    return counts


def _add_weights(weights: collections.Counter, batch: tuple[np.ndarray, np.ndarray]) -> collections.Counter:
    tokens, values = batch
    for token, weight in zip(tokens.tolist(), values.tolist(), strict=True):
        weights[token] += weight
    return weights


def _merge(_: analyzer_nodes.VocabularyMerge, counted: LazyList) -> tuple[LazyList]:
    def merge() -> CountedTokens:
        total: collections.Counter = collections.Counter()
        for token, count in counted.get():
            total[token] += count
        return [(count, token) for token, count in total.items()]

    return (LazyList(merge),)


def _size(_: analyzer_nodes.VocabularyCount, tokens: LazyList) -> tuple[LazyList]:
    # An empty vocabulary is written with one dummy token.
    return (LazyList(lambda: [np.int64(max(len(tokens.get()), 1))]),)


def _prune(op: analyzer_nodes.VocabularyPrune, tokens: LazyList) -> tuple[LazyList]:
    if op.key_fn:
        raise UnsupportedTransformError(f"vocabulary {op.label} needs coverage per key")
    for limit in (op.top_k, op.frequency_threshold):
        if limit is not None and limit < 0:
            raise UnsupportedTransformError(f"vocabulary {op.label} has a negative limit")
    return (LazyList(lambda: prune_tokens(tokens.get(), op.top_k, op.frequency_threshold, op.input_dtype)),)


def prune_tokens(tokens: CountedTokens, top_k: int | None, frequency_threshold: float, dtype: str) -> CountedTokens:
    """Keeps the tokens that occur at least `frequency_threshold` times, and of these the `top_k` most frequent, sorted.

    Tokens with equal counts are sorted by token, largest first, as `beam.combiners.Top` does. Without `top_k` the order
    does not change.
    """
    kept = [pair for pair in tokens if pair[0] >= frequency_threshold] if frequency_threshold else tokens
    if dtype != tf.string.name:
        kept = [(count, tf.compat.as_bytes(tf.compat.as_str_any(token))) for count, token in kept]
    if top_k is None:
        return kept
    return analyzer_impls.maybe_add_empty_vocabulary_dummy(sorted(kept, reverse=True)[:top_k], dtype)


def sort_tokens(tokens: CountedTokens, reserved: Iterable[bytes], shuffle: bool, dtype: str) -> CountedTokens:
    """Sorts by count, largest first, or by fingerprint if `shuffle`; reserved tokens come first."""
    reserved = list(reserved)
    reserved_set = set(reserved)
    kept = [pair for pair in tokens if pair[1] not in reserved_set]
    if shuffle:
        # SHA-1 as in TFT: it decides the order of the file and protects no secret.
        kept.sort(key=lambda pair: hashlib.sha1(pair[1], usedforsecurity=False).digest())
    else:
        kept.sort(reverse=True)
    return analyzer_impls.maybe_add_empty_vocabulary_dummy([(-1, token) for token in reserved] + kept, dtype)


def write_vocabulary(path: str, tokens: CountedTokens, store_frequency: bool, file_format: str) -> str:
    """Writes one token in each line or record; returns the path, with the suffix of the format."""
    to_line = TFT.count_and_token_to_bytes if store_frequency else lambda _, token: token
    rows = list(itertools.starmap(to_line, tokens))
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    if file_format == "text":
        with tf.io.gfile.GFile(path, "wb") as out:
            out.write(b"".join(row + b"\n" for row in rows))
        return path
    if file_format != "tfrecord_gzip":
        raise ValueError(f"Vocabulary {path}: unknown file format {file_format!r}; use text or tfrecord_gzip.")
    path += ".tfrecord.gz"
    with tf.io.TFRecordWriter(path, "GZIP") as out:
        for row in rows:
            out.write(row)
    return path


def order_and_write_handlers(temp_dir: str, graph: tf.Graph) -> Handlers:
    """Handlers of the nodes that write files to `temp_dir` or read constants of the traced graph."""

    def order_and_write(
        op: analyzer_nodes.VocabularyOrderAndWrite, tokens: LazyList, reserved: LazyList | None = None
    ) -> tuple[LazyList]:
        def run() -> list[np.ndarray]:
            ordered = tokens.get()
            if reserved is not None or not op.input_is_sorted:
                first = reserved.single() if reserved is not None else ()
                ordered = sort_tokens(ordered, first, op.fingerprint_shuffle, op.input_dtype)
            path = f"{temp_dir}/{op.vocab_filename}"
            return [np.array(write_vocabulary(path, ordered, op.store_frequency, op.file_format))]

        return (LazyList(run),)

    def reserved_tokens(op: analyzer_nodes.ExtractVocabularyReservedTokens) -> tuple[LazyList]:
        return (LazyList(lambda: [analyzer_impls.tf_utils.fetch_vocabulary_reserved_tokens(graph, op.name)]),)

    return {
        analyzer_nodes.VocabularyOrderAndWrite: order_and_write,
        analyzer_nodes.ExtractVocabularyReservedTokens: reserved_tokens,
    }


HANDLERS: Handlers = {
    analyzer_nodes.VocabularyAccumulate: _accumulate,
    analyzer_nodes.VocabularyMerge: _merge,
    analyzer_nodes.VocabularyCount: _size,
    analyzer_nodes.VocabularyPrune: _prune,
}
