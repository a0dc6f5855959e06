"""The inputs and settings of a Transform execution, without TFX's artifacts and labels."""

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
        key: the split's name in the analyzer cache.
        file_pattern: glob of the files.
        output_prefix: path of the transformed shards without `-00000-of-00001.gz`; None if they are not written.
    """

    key: analyzer_cache.DatasetKey
    file_pattern: str
    output_prefix: str | None = None


class PostOptions(Protocol):
    """Makes the options of the post-transform statistics, which depend on the traced graph."""

    def __call__(self, schema: schema_pb2.Schema, asset_map: dict[str, str]) -> tfdv.StatsOptions: ...


@dataclasses.dataclass(frozen=True)
class StatisticsPaths:
    """Files of one set of statistics; `anomalies` is None if they are not validated."""

    stats: str
    schema: str
    anomalies: str | None = None


@dataclasses.dataclass(frozen=True)
class StatisticsJob:
    """Statistics of the analyzed rows before the transformation, and of the transformed rows after it."""

    pre_options: tfdv.StatsOptions
    post_options: PostOptions
    pre_paths: StatisticsPaths
    post_paths: StatisticsPaths


@dataclasses.dataclass(frozen=True)
class TransformJob:
    """One Transform execution over tf.Example TFRecords.

    Attributes:
        preprocessing_fn: the user's function, with its custom config bound.
        schema: schema of the raw examples.
        specs: feature name → type of the tensor that `preprocessing_fn` receives.
        analyze_splits: splits that the analyzers read.
        transform_splits: splits to transform.
        output_dir: directory of the TransformGraph artifact.
        temp_dir: scratch directory on the same file system as `output_dir`.
        cache_input_dir: analyzer cache of an earlier run; None without one.
        cache_output_dir: where to write the analyzer cache; None to write none.
        save_options: options of the SavedModel; None for the defaults.
        statistics: None if statistics are disabled.
    """

    preprocessing_fn: PreprocessingFn
    schema: schema_pb2.Schema
    specs: Mapping[str, tf.TypeSpec]
    analyze_splits: Sequence[SplitSource]
    transform_splits: Sequence[SplitSource]
    output_dir: str
    temp_dir: str
    cache_input_dir: str | None = None
    cache_output_dir: str | None = None
    save_options: tf.saved_model.SaveOptions | None = None
    statistics: StatisticsJob | None = None
