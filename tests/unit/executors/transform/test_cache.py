"""The analyzer cache on disk."""

import tensorflow as tf
from tensorflow_transform import analyzer_nodes
from tensorflow_transform.beam import analyzer_cache

from flightline.executors.transform import cache
from flightline.executors.transform.job import SplitSource
from flightline.executors.transform.lazy_values import LazyList

CODER = analyzer_nodes.JsonNumpyCacheCoder()
KEY = analyzer_cache.make_cache_entry_key(b"mean")


def source(tmp_path):
    path = str(tmp_path / "data")
    with tf.io.TFRecordWriter(path) as out:
        out.write(b"row")
    return SplitSource(analyzer_cache.DatasetKey("span-1"), path)


def write(directory, split, entries, previous=None):
    encode = cache.make_handlers({})[analyzer_nodes.EncodeCache]
    encoded = {}
    for key, values in entries.items():
        (encoded[key],) = encode(analyzer_nodes.EncodeCache(CODER, "e"), LazyList(lambda values=values: values))
    cache.write_cache(str(directory), previous and str(previous), [split], {split.key: encoded})


def read(directory, split, key):
    entries = cache.find_entries(str(directory), [split])
    (values,) = cache.make_handlers(entries)[analyzer_nodes.DecodeCache](
        analyzer_nodes.DecodeCache(split.key, key, CODER, "d")
    )
    return [value.tolist() for value in values.get()]


def test_accumulators_are_read_back_unchanged(tmp_path):
    split = source(tmp_path)
    write(tmp_path / "new", split, {KEY: [[1.5, 2.0], [3.0, 4.0]]})
    assert read(tmp_path / "new", split, KEY) == [[1.5, 2.0], [3.0, 4.0]]


def test_entries_of_an_earlier_run_are_kept_next_to_new_ones(tmp_path):
    split = source(tmp_path)
    write(tmp_path / "old", split, {KEY: [[1.0]]})
    other = analyzer_cache.make_cache_entry_key(b"max")
    write(tmp_path / "new", split, {other: [[2.0]]}, previous=tmp_path / "old")
    assert read(tmp_path / "new", split, KEY) == [[1.0]]
    assert read(tmp_path / "new", split, other) == [[2.0]]


def test_a_missing_cache_has_no_entries(tmp_path):
    split = source(tmp_path)
    assert cache.find_entries(None, [split]) == {}
    assert cache.find_entries(str(tmp_path / "absent"), [split]) == {}


def test_metadata_is_readable_by_tft(tmp_path):
    split = source(tmp_path)
    write(tmp_path / "new", split, {KEY: [[1.0]]})
    (record,) = tf.data.TFRecordDataset(f"{tmp_path}/new/span-1/METADATA-00000-of-00001").as_numpy_iterator()
    assert analyzer_cache.DatasetCacheMetadata.decode(record).dataset_size > 0
