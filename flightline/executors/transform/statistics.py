"""Collects pre- and post-transform statistics with TFDV's own generators, batch by batch."""

from typing import Any

import pyarrow as pa
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.executors.tfdv_internals import TFDV, get_slice_sqls
from flightline.executors.transform.job import StatisticsPaths
from flightline.executors.transform.supported import UnsupportedTransformError

_BLOCK_BYTES = 16 << 20  # of Arrow columns; the cost of a generator is mostly per batch


class StatisticsCollector:
    """Collects TFDV's statistics over Arrow record batches.

    Raises:
        UnsupportedTransformError: the options need samples, slices, or generators that only run on Beam.
    """

    def __init__(self, options: tfdv.StatsOptions):
        for requested, what in (
            (options.sample_rate, "samples"),
            (options.feature_allowlist, "selected features"),
            (options.slicing_config, "slices"),
            (options.experimental_slice_functions, "slices"),
            (get_slice_sqls(options), "slices"),
            (options.experimental_num_feature_partitions > 1, "partitions of features"),
            (options.experimental_result_partitions != 1, "partitions of results"),
        ):
            if requested:
                raise UnsupportedTransformError(f"the statistics options need {what}")
        self._options = options
        self._generators = TFDV.get_generators(options)
        for generator in self._generators:
            if not isinstance(generator, tfdv.CombinerStatsGenerator):
                raise UnsupportedTransformError(f"statistics generator {type(generator).__name__}")
        self._accumulators: list[Any] = []
        self._pending: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds the rows of a batch, at once or together with those of the next batch."""
        if self._pending and batch.schema != self._pending[0].schema:
            self._count_pending()
        self._pending.append(batch)
        if sum(pending.nbytes for pending in self._pending) >= _BLOCK_BYTES:
            self._count_pending()

    def _count_pending(self) -> None:
        if len(self._pending) > 1:
            self._pending = pa.Table.from_batches(self._pending).combine_chunks().to_batches()
        for batch in self._pending:
            self._count(batch)
        self._pending = []

    def _count(self, batch: pa.RecordBatch) -> None:
        if not self._accumulators:
            self._accumulators = [self._start(generator) for generator in self._generators]
        self._accumulators = [
            generator.add_input(accumulator, batch)
            for generator, accumulator in zip(self._generators, self._accumulators, strict=True)
        ]

    @staticmethod
    def _start(generator: tfdv.CombinerStatsGenerator) -> Any:
        generator.setup()  # some generators read the vocabularies of the finished graph here
        return generator.create_accumulator()

    def write(self, paths: StatisticsPaths) -> None:
        """Writes the statistics, the schema in the options, and the anomalies if they have a path."""
        statistics = self._extract()
        _write(paths.stats, statistics.SerializeToString(deterministic=True))
        schema = self._options.schema
        if schema is None:
            return
        _write(paths.schema, text_format.MessageToString(schema).encode())
        if paths.anomalies:
            anomalies = tfdv.validate_statistics(statistics, schema)
            _write(paths.anomalies, anomalies.SerializeToString(deterministic=True))

    def _extract(self) -> statistics_pb2.DatasetFeatureStatisticsList:
        self._count_pending()
        if not self._accumulators:
            return statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics_pb2.DatasetFeatureStatistics()])
        return TFDV.extract_statistics_output(self._accumulators, self._generators)


def _write(path: str, content: bytes) -> None:
    with tf.io.gfile.GFile(path, "wb") as out:
        out.write(content)
