"""Reads the raw examples of the analyzed splits once, for the analysis and the pre-transform statistics."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util

from flightline.executors.examples import BATCH_BYTES, decode_uniform_examples
from flightline.executors.transform.job import SplitSource
from flightline.executors.transform.statistics import StatisticsCollector
from flightline.executors.transform.tfrecords import list_files, read_batches

_READ_BATCH_ROWS = 4096


class ExampleDecoder:
    """Decodes serialized tf.Examples to Arrow by their schema, as tfx_bsl's `TFExampleRecord` does.

    Args:
        schema: describes the examples.
        columns: names of the features to decode.
    """

    def __init__(self, schema: schema_pb2.Schema, columns: Sequence[str]):
        projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(schema, list(columns))
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(projected.SerializeToString())
        # For tfx_bsl, a schema without features means all features, each of the type that the examples have.
        self._schema = self._decoder.ArrowSchema() if columns else None

    def decode(self, examples: Sequence[bytes]) -> pa.RecordBatch:
        """Decodes columns of the schema's types; a cell is null if the feature is absent or has no kind."""
        uniform = decode_uniform_examples(examples) if self._schema else None
        typed = _select_schema_columns(uniform, self._schema) if uniform is not None else None
        return typed if typed is not None else self._decoder.DecodeBatch(examples)


def _select_schema_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch | None:
    """The columns of the schema; None if one has another type than in the schema."""
    columns = []
    for field in schema:
        index = batch.schema.get_field_index(field.name)
        column = batch.column(index) if index >= 0 else pa.nulls(batch.num_rows)
        if pa.types.is_null(column.type):
            column = pa.nulls(batch.num_rows, field.type)
        if column.type != field.type:
            return None
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class RawExamples:
    """The splits to analyze. The first time that a split is read, its rows are added to the statistics.

    Args:
        sources: the splits; each is in the statistics once.
        decoder: decodes the columns that are in the statistics.
        collector: collects the statistics; None if they are disabled.
    """

    def __init__(self, sources: Sequence[SplitSource], decoder: ExampleDecoder, collector: StatisticsCollector | None):
        self._decoder = decoder
        self._collector = collector
        self._sources_without_statistics = list(sources) if collector else []

    def batches(self, source: SplitSource, rows: int) -> Iterator[tf.Tensor]:
        """Yields the serialized examples of a split in their order, as string tensors [<= rows]."""
        batches = read_batches(list_files(source.file_pattern), rows)
        if not self._collector or source not in self._sources_without_statistics:
            return batches
        self._sources_without_statistics.remove(source)
        return self._feed_statistics(batches, self._collector)

    def finish_statistics(self) -> None:
        """Reads the splits that the analysis did not read, such as those that are in the analyzer cache."""
        while self._sources_without_statistics:
            for _ in self.batches(self._sources_without_statistics[0], _READ_BATCH_ROWS):
                pass

    def _feed_statistics(self, batches: Iterator[tf.Tensor], collector: StatisticsCollector) -> Iterator[tf.Tensor]:
        # The cost of decoding is mostly per batch, so its batches are larger than those of the analysis.
        block: list[bytes] = []
        size = 0
        for records in batches:
            yield records
            chunk = records.numpy().tolist()
            block += chunk
            size += sum(map(len, chunk))
            if size >= BATCH_BYTES:
                collector.add(self._decoder.decode(block))
                block, size = [], 0
        if block:
            collector.add(self._decoder.decode(block))
