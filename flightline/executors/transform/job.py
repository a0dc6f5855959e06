"""What a Transform execution is asked to do, free of TFX's artifacts and labels."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.beam import analyzer_cache

PreprocessingFn = Callable[[dict[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class SplitSource:
    """The TFRecord files of one split of one Examples artifact.

    Attributes:
        key: names the split in the analyzer cache.
        file_pattern: glob of the files.
        output_prefix: path of the transformed shards without their `-00000-of-00001.gz`; None writes none.
    """

    key: analyzer_cache.DatasetKey
    file_pattern: str
    output_prefix: str | None = None


class PostOptions(Protocol):
    """Builds the options of the post-transform statistics, which need the finished graph."""

    def __call__(self, schema: schema_pb2.Schema, asset_map: dict[str, str]) -> tfdv.StatsOptions: ...


@dataclasses.dataclass(frozen=True)
class StatisticsPaths:
    """Files of one set of statistics; `anomalies` is None where stock doesn't validate."""

    stats: str
    schema: str
    anomalies: str | None = None


@dataclasses.dataclass(frozen=True)
class StatisticsJob:
    """Statistics of the analysed rows before, and of the transformed rows after the transformation."""

    pre_options: tfdv.StatsOptions
    post_options: PostOptions
    pre_paths: StatisticsPaths
    post_paths: StatisticsPaths


@dataclasses.dataclass(frozen=True)
class TransformJob:
    """One Transform execution over tf.Example TFRecords.

    Attributes:
        preprocessing_fn: the user's function, its custom config already bound.
        schema: schema of the raw examples.
        specs: what `preprocessing_fn` receives, by feature name.
        analyze: splits that the analyzers see.
        transform: splits to transform.
        output_dir: directory of the TransformGraph artifact.
        temp_dir: scratch directory on the same file system as `output_dir`.
        cache_input_dir: analyzer cache of an earlier run, or None.
        cache_output_dir: where to write the analyzer cache, or None.
        save_options: options of the SavedModel, or None.
        statistics: None when statistics are disabled.
    """

    preprocessing_fn: PreprocessingFn
    schema: schema_pb2.Schema
    specs: Mapping[str, tf.TypeSpec]
    analyze: Sequence[SplitSource]
    transform: Sequence[SplitSource]
    output_dir: str
    temp_dir: str
    cache_input_dir: str | None = None
    cache_output_dir: str | None = None
    save_options: tf.saved_model.SaveOptions | None = None
    statistics: StatisticsJob | None = None
