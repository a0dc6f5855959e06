"""Each family of analyzers gives the same over many batches as TFT's combiners over all rows at once."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_transform import analyzer_nodes, analyzers

from flightline.executors.transform.analyzers import HANDLERS, vocabulary
from flightline.executors.transform.lazy_values import BatchStream, DataPass, LazyList
from flightline.executors.transform.supported import UnsupportedTransformError
from flightline.executors.transform.tft_internals import TFT
from flightline.executors.transform.walker import Walker

FLOATS = st.floats(-1e3, 1e3, width=32)
BATCHES = st.lists(st.lists(FLOATS, min_size=1, max_size=6), min_size=1, max_size=6)
TOKENS = st.sampled_from([b"a", b"b", b"c", b"dd", "é".encode()])


def run(op, *inputs):
    """Outputs of one node, as lists."""
    return [output.get() for output in Walker(HANDLERS).visit(op, inputs)]


def stream(batches):
    return BatchStream(DataPass(lambda: [{"batch": batch} for batch in batches]), lambda values: values["batch"])


def combined(combiner, inputs):
    """Outputs of the accumulate and merge nodes of TFT's graph without packing."""
    (accumulators,) = run(analyzer_nodes.CacheableCombineAccumulate(combiner), stream(inputs))
    (outputs,) = run(analyzer_nodes.CacheableCombineMerge(combiner), LazyList(lambda: accumulators))
    return outputs[0]


@settings(max_examples=50, deadline=None)
@given(BATCHES)
def test_mean_and_variance_equal_numpy(batches):
    combiner = analyzers.WeightedMeanAndVarCombiner(np.float32, output_shape=())
    inputs = [(np.array(len(b)), np.mean(b), np.var(b), np.array(1.0)) for b in batches]
    mean, variance = combined(combiner, inputs)
    rows = np.concatenate(batches)
    np.testing.assert_allclose(mean, rows.mean(), rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(variance, rows.var(), rtol=1e-5, atol=1e-2)


@settings(max_examples=50, deadline=None)
@given(BATCHES)
def test_minimum_equals_numpy(batches):
    combiner = analyzers.NumPyCombiner(np.min, np.inf, [np.float32], [()])
    (smallest,) = combined(combiner, [[np.min(np.array(b, np.float32))] for b in batches])
    assert smallest == np.concatenate(batches).min().astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(BATCHES)
def test_quantiles_do_not_depend_on_the_batches(batches):
    def combiner():
        return analyzers.QuantilesCombiner(4, 0.01, np.float32, include_max_and_min=True)

    in_one_batch = [(np.concatenate(batches).astype(np.float32),)]
    in_batches = [(np.array(batch, np.float32),) for batch in batches]
    np.testing.assert_array_equal(combined(combiner(), in_batches), combined(combiner(), in_one_batch))


def test_mean_and_variance_of_no_rows_are_zero():
    combiner = analyzers.WeightedMeanAndVarCombiner(np.float32, output_shape=())
    assert [float(value) for value in combined(combiner, [])] == [0.0, 0.0]


def test_merging_does_not_change_the_cached_accumulators():
    combiner = analyzers.QuantilesCombiner(2, 0.01, np.float32, include_max_and_min=True)
    accumulators = [
        run(analyzer_nodes.CacheableCombineAccumulate(combiner), stream([(np.array([v], np.float32),)]))[0][0]
        for v in (1, 3)
    ]
    before = [combiner.accumulator_coder.encode_cache(accumulator) for accumulator in accumulators]
    run(analyzer_nodes.CacheableCombineMerge(combiner), LazyList(lambda: accumulators))
    assert [combiner.accumulator_coder.encode_cache(accumulator) for accumulator in accumulators] == before


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(TOKENS, FLOATS), min_size=1, max_size=5), min_size=1, max_size=5))
def test_sums_per_key_are_merged(batches):
    combiner = analyzers.NumPyCombiner(np.sum, 0, [np.float32], [()])
    inputs = [(np.array([k for k, _ in b], object), np.array([v for _, v in b], np.float32)) for b in batches]
    (accumulators,) = run(analyzer_nodes.CacheableCombinePerKeyAccumulate(combiner), stream(inputs))
    (merged,) = run(analyzer_nodes.CacheableCombinePerKeyMerge(combiner), LazyList(lambda: accumulators * 2))
    expected = collections.defaultdict(float)
    for key, value in (pair for batch in batches for pair in batch):
        expected[key] += 2 * value
    assert {key: pytest.approx(float(value), abs=1e-2) for key, (value,) in merged} == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(TOKENS, max_size=8), max_size=5))
def test_token_frequencies_are_merged(batches):
    op = analyzer_nodes.VocabularyAccumulate(TFT.VocabOrderingType.FREQUENCY)
    (counts,) = run(op, stream([(np.array(batch, object),) for batch in batches]))
    merge = analyzer_nodes.VocabularyMerge(TFT.VocabOrderingType.FREQUENCY, False, None)
    (merged,) = run(merge, LazyList(lambda: counts + counts))
    expected = collections.Counter(token for batch in batches for token in batch)
    assert {token: count for count, token in merged} == {token: 2 * count for token, count in expected.items()}


def test_token_weights_are_summed():
    op = analyzer_nodes.VocabularyAccumulate(TFT.VocabOrderingType.WEIGHTED_FREQUENCY)
    batches = [(np.array([b"a", b"b"], object), np.array([0.5, 2.0])), (np.array([b"a"], object), np.array([1.0]))]
    assert run(op, stream(batches)) == [[(b"a", 1.5), (b"b", 2.0)]]


@pytest.mark.parametrize("ordering", ["MUTUAL_INFORMATION", "WEIGHTED_MUTUAL_INFORMATION", "WEIGHTED_LABELS"])
def test_vocabularies_ordered_by_a_label_are_refused(ordering):
    op = analyzer_nodes.VocabularyAccumulate(getattr(TFT.VocabOrderingType, ordering))
    with pytest.raises(UnsupportedTransformError, match="label"):
        run(op, stream([]))


class _UnknownNode(analyzer_nodes.AddKey):
    """A node of a later version of TFT."""


def test_an_unknown_node_is_refused_by_name():
    with pytest.raises(UnsupportedTransformError, match="_UnknownNode"):
        Walker(HANDLERS).visit(_UnknownNode("key", "label"), (LazyList(list),))


COUNTS = [(3, b"a"), (5, b"b"), (3, b"c"), (1, b"d")]


@pytest.mark.parametrize(
    ("top_k", "threshold", "expected"),
    [
        (None, 0, COUNTS),
        (None, 3, COUNTS[:3]),
        (2, 0, [(5, b"b"), (3, b"c")]),
        (9, 2, [(5, b"b"), (3, b"c"), (3, b"a")]),
    ],
)
def test_a_vocabulary_is_pruned_by_top_k_and_threshold(top_k, threshold, expected):
    assert vocabulary.prune_tokens(COUNTS, top_k, threshold, tf.string.name) == expected


def test_an_empty_vocabulary_gets_a_dummy_token():
    assert len(vocabulary.prune_tokens(COUNTS, 0, 0, tf.string.name)) == 1
    assert len(vocabulary.sort_tokens([], [], False, tf.string.name)) == 1


def test_integers_are_written_in_decimal():
    assert vocabulary.prune_tokens([(2, 10), (1, -3)], 5, 0, tf.int64.name) == [(2, b"10"), (1, b"-3")]


def test_reserved_tokens_come_first_and_are_not_repeated():
    ordered = vocabulary.sort_tokens(COUNTS, [b"pad", b"a"], False, tf.string.name)
    assert [token for _, token in ordered] == [b"pad", b"a", b"b", b"c", b"d"]


@pytest.mark.parametrize(("file_format", "suffix"), [("text", ""), ("tfrecord_gzip", ".tfrecord.gz")])
def test_a_vocabulary_file_contains_counts_and_tokens(tmp_path, file_format, suffix):
    path = vocabulary.write_vocabulary(f"{tmp_path}/deep/vocab", COUNTS[:2], True, file_format)
    assert path == f"{tmp_path}/deep/vocab{suffix}"
    dataset = tf.data.TextLineDataset(path) if file_format == "text" else tf.data.TFRecordDataset(path, "GZIP")
    assert list(dataset.as_numpy_iterator()) == [b"3 a", b"5 b"]
