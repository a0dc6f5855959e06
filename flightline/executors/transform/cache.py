"""The analyzer cache: the accumulators of each split, with which a later run need not read the split again.

The format is TFT's: for each data set a directory with a manifest, a TFRecord.gz of encoded accumulators for each
entry, and a METADATA record. Stock Transform reads a cache that is written here, and the other way round.
"""

import itertools
from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow_transform import analyzer_nodes
from tensorflow_transform.beam import analyzer_cache

from flightline.executors.transform.job import SplitSource
from flightline.executors.transform.lazy_values import LazyList
from flightline.executors.transform.tfrecords import list_files, read_batches
from flightline.executors.transform.tft_internals import TFT
from flightline.executors.transform.walker import Handlers

_SHARD_SUFFIX = "-00000-of-00001"
_READ_BATCH_ROWS = 4096

InputCache = Mapping[analyzer_cache.DatasetKey, analyzer_cache.DatasetCache]
"""Data set → its entries by key; an entry is the glob of its files."""


def find_entries(cache_dir: str | None, sources: Sequence[SplitSource]) -> InputCache:
    """Lists the entries of an earlier run's cache for the given splits, without reading them."""
    found = {}
    for source in sources if cache_dir else ():
        directory = TFT.get_dataset_cache_path(cache_dir, source.key)
        manifest = TFT.ManifestFile(directory).read()
        if manifest:
            entries = {key: f"{directory}/{index}-*-of-*" for key, index in manifest.items()}
            found[source.key] = analyzer_cache.DatasetCache(entries, None)
    return found


def make_handlers(entries: InputCache) -> Handlers:
    """Handlers of the nodes that decode cached accumulators and encode new ones."""

    def decode(op: analyzer_nodes.DecodeCache) -> tuple[LazyList]:
        pattern = entries[op.dataset_key].get(op.cache_key)

        def read() -> list[object]:
            batches = read_batches(list_files(pattern), _READ_BATCH_ROWS)
            records = itertools.chain.from_iterable(batch.numpy() for batch in batches)
            return [op.coder.decode_cache(record) for record in records]

        return (LazyList(read),)

    def encode(op: analyzer_nodes.EncodeCache, accumulators: LazyList) -> tuple[LazyList]:
        return (accumulators.map(op.coder.encode_cache),)

    return {analyzer_nodes.DecodeCache: decode, analyzer_nodes.EncodeCache: encode}


def write_cache(
    cache_dir: str,
    previous_dir: str | None,
    sources: Sequence[SplitSource],
    new: Mapping[analyzer_cache.DatasetKey, Mapping[bytes, LazyList]],
) -> None:
    """Writes the cache of the splits: the entries of the previous cache, and those of this run.

    The `dataset_size` in METADATA, which TFT uses for telemetry only, is the size of the files in bytes. Stock
    Transform writes the size of the decoded Arrow batches, which do not exist here.
    """
    tf.io.gfile.makedirs(cache_dir)
    for source in sources:
        directory = TFT.get_dataset_cache_path(cache_dir, source.key)
        if previous_dir:
            _copy(TFT.get_dataset_cache_path(previous_dir, source.key), directory)
        if new.get(source.key):
            _write_entries(directory, new[source.key])
            size = sum(tf.io.gfile.stat(name).length for name in list_files(source.file_pattern))
            with tf.io.TFRecordWriter(f"{directory}/{TFT.METADATA_FILE_NAME}{_SHARD_SUFFIX}") as out:
                out.write(analyzer_cache.DatasetCacheMetadata(size).encode())


def _write_entries(directory: str, entries: Mapping[bytes, LazyList]) -> None:
    with TFT.ManifestFile(directory) as manifest_file:
        manifest = dict(manifest_file.read())
        start = max(manifest.values(), default=-1) + 1
        for index, (key, encoded) in enumerate(entries.items(), start):
            with tf.io.TFRecordWriter(f"{directory}/{index}{_SHARD_SUFFIX}.gz", "GZIP") as out:
                for record in encoded.get():
                    out.write(record)
            manifest[key] = index
        manifest_file.write(manifest)


def _copy(source: str, destination: str) -> None:
    if not tf.io.gfile.isdir(source):
        return
    tf.io.gfile.makedirs(destination)
    for name in tf.io.gfile.listdir(source):
        tf.io.gfile.copy(f"{source}/{name}", f"{destination}/{name}", overwrite=True)
