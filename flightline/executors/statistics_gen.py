"""Computes statistics of examples with TFDV's own generators over large batches, without Beam.

TFDV's in-memory generators give the same as its Beam transform, except that they only estimate the most frequent values
and the number of distinct ones. Those are counted exactly here, as the Beam transform does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_bsl.arrow import array_util

from flightline.executors.tfdv_internals import TFDV, read_option_values

MAX_DISTINCT_VALUES = 5_000_000
"""Distinct values of all columns together that may be counted in memory."""

# Options whose values other than the default are known to give the same statistics without Beam.
_SUPPORTED_OPTIONS = {
    "desired_batch_size",
    "epsilon",
    "feature_allowlist",
    "frequency_threshold",
    "infer_type_from_schema",
    "num_histogram_buckets",
    "num_quantiles_histogram_buckets",
    "num_rank_histogram_buckets",
    "num_top_values",
    "num_values_histogram_buckets",
    "schema",
    "use_sketch_based_topk_uniques",
}
_FeatureType = statistics_pb2.FeatureNameStatistics


class TooManyDistinctError(Exception):
    """The columns have too many distinct values to count in memory."""


def list_unsupported_options(options: tfdv.StatsOptions) -> str:
    """Names the options that need the Beam transform, for a person; empty if none does."""
    defaults = read_option_values(tfdv.StatsOptions())
    changed = sorted(
        name
        for name, value in read_option_values(options).items()
        if name not in _SUPPORTED_OPTIONS and value != defaults.get(name)
    )
    if options.feature_allowlist and not all(isinstance(name, str) for name in options.feature_allowlist):
        changed.append("feature_allowlist of paths")
    if options.schema is not None and _has_non_flat_features(options.schema):
        changed.append("a schema with sparse, nested or natural language features")
    return ", ".join(changed)


def _has_non_flat_features(schema: schema_pb2.Schema) -> bool:
    return bool(schema.sparse_feature) or any(
        feature.type == schema_pb2.STRUCT or feature.WhichOneof("domain_info") == "natural_language_domain"
        for feature in schema.feature
    )


def compute_statistics(
    batches: Iterable[pa.RecordBatch], options: tfdv.StatsOptions
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Computes what `tfdv.GenerateStatistics(options)` computes, features in the order of their names.

    Args:
        batches: examples decoded by `flightline.executors.examples.decode_examples`; large batches are faster.
        options: options for which `list_unsupported_options` returns nothing.

    Raises:
        TooManyDistinctError: the columns have more than `MAX_DISTINCT_VALUES` distinct values.
    """
    generators = _make_generators(options)
    for generator in generators:
        generator.setup()
    states = [generator.create_accumulator() for generator in generators]
    for batch in batches:
        selected = _select_columns(batch, options.feature_allowlist)
        states = [generator.add_input(state, selected) for generator, state in zip(generators, states, strict=True)]
    result = TFDV.extract_statistics_output(states, generators)
    for dataset in result.datasets:
        dataset.features.sort(key=lambda feature: list(feature.path.step))
    return result


def _make_generators(options: tfdv.StatsOptions) -> list[Any]:
    generators = TFDV.get_generators(options, in_memory=True)
    if options.use_sketch_based_topk_uniques:
        return generators
    estimates = TFDV.TopKUniquesSketchStatsGenerator
    return [ExactTopValues(options) if isinstance(g, estimates) else g for g in generators]


def _select_columns(batch: pa.RecordBatch, names: list[str] | None) -> pa.RecordBatch:
    if not names:
        return batch
    present = [name for name in names if name in batch.schema.names]
    columns = [batch.column(batch.schema.get_field_index(name)) for name in present]
    return pa.RecordBatch.from_arrays(columns, present)


ValueCounts = dict[tfdv.FeaturePath, list[pa.Table]]


class ExactTopValues(tfdv.CombinerStatsGenerator):
    """Counts every distinct value of text and categorical columns, as TFDV's `TopKUniquesStatsGenerator` does."""

    def __init__(self, options: tfdv.StatsOptions) -> None:
        super().__init__("ExactTopValues", options.schema)
        self._options = options
        schema = options.schema or schema_pb2.Schema()
        self._bytes_features = frozenset(TFDV.get_bytes_features(schema))
        self._categorical = TFDV.get_categorical_numeric_feature_types(schema)

    def create_accumulator(self) -> ValueCounts:
        """Feature → tables of (value, count)."""
        return {}

    def add_input(self, accumulator: ValueCounts, input_record_batch: pa.RecordBatch) -> ValueCounts:
        """Counts the values of a batch."""
        for path, column, _ in TFDV.enumerate_arrays(input_record_batch, None, enumerate_leaves_only=True):
            if not self._is_counted(path, column):
                continue
            values, _ = array_util.flatten_nested(column)
            if len(values):
                counts = values.value_counts()
                table = pa.table({"value": counts.field("values"), "count": counts.field("counts")})
                accumulator[path] = [_sum_counts([*accumulator.get(path, []), table])]
        distinct = sum(table.num_rows for tables in accumulator.values() for table in tables)
        if distinct > MAX_DISTINCT_VALUES:
            raise TooManyDistinctError(f"more than {MAX_DISTINCT_VALUES} distinct values")
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[ValueCounts]) -> ValueCounts:
        """Adds up the counts of different batches."""
        merged: ValueCounts = {}
        for accumulator in accumulators:
            for path, tables in accumulator.items():
                merged[path] = [_sum_counts([*merged.get(path, []), *tables])]
        return merged

    def extract_output(self, accumulator: ValueCounts) -> statistics_pb2.DatasetFeatureStatistics:
        """The most frequent values and the number of distinct ones."""
        result = statistics_pb2.DatasetFeatureStatistics()
        for path, tables in accumulator.items():
            table = _sum_counts(tables)
            result.features.append(
                TFDV.make_feature_stats_proto_topk_uniques(
                    feature_path=path,
                    num_top_values=self._options.num_top_values,
                    num_rank_histogram_buckets=self._options.num_rank_histogram_buckets,
                    num_unique=table.num_rows,
                    value_count_list=self._most_frequent(table),
                    frequency_threshold=self._options.frequency_threshold,
                )
            )
        return result

    def _is_counted(self, path: tfdv.FeaturePath, column: pa.Array) -> bool:
        if path in self._bytes_features:
            return False
        type_ = TFDV.get_feature_type_from_arrow_type(path, column.type)
        if type_ == _FeatureType.INT:
            return TFDV.output_categorical_numeric(self._categorical, path, type_)
        return type_ == _FeatureType.STRING

    def _most_frequent(self, table: pa.Table) -> list[Any]:
        """The most frequent values, as many as the statistics list; of equal counts, larger values first."""
        size = max(self._options.num_top_values, self._options.num_rank_histogram_buckets)
        top = table.sort_by([("count", "descending"), ("value", "descending")]).slice(0, size)
        pairs = zip(top.column("value").to_pylist(), top.column("count").to_pylist(), strict=True)
        return list(itertools.starmap(TFDV.FeatureValueCount, pairs))


def _sum_counts(tables: list[pa.Table]) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    sums = pa.concat_tables(tables).group_by("value").aggregate([("count", "sum")])
    return pa.table({"value": sums.column("value"), "count": sums.column("count_sum")})
