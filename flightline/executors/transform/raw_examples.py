"""The raw examples of the analysed splits: read once, for the analysis and the pre-transform statistics together."""

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
    """Decodes serialized tf.Examples to Arrow by their schema, as stock's `TFExampleRecord` does.

    Args:
        schema: describes the examples.
        columns: names of the features to decode; all others are left out.
    """

    def __init__(self, schema: schema_pb2.Schema, columns: Sequence[str]):
        projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(schema, list(columns))
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(projected.SerializeToString())
        # A schema without features means all of them to tfx_bsl, each of the type it happens to have.
        self._schema = self._decoder.ArrowSchema() if columns else None

    def decode(self, examples: Sequence[bytes]) -> pa.RecordBatch:
        """Columns of the types that the schema gives, null where a feature is absent or has no kind."""
        regular = decode_uniform_examples(examples) if self._schema else None
        typed = _select_schema_columns(regular, self._schema) if regular is not None else None
        return typed if typed is not None else self._decoder.DecodeBatch(examples)


def _select_schema_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch | None:
    """The columns of the schema; None where one has another type than the schema says."""
    columns = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        column = batch.column(place) if place >= 0 else pa.nulls(batch.num_rows)
        if pa.types.is_null(column.type):
            column = pa.nulls(batch.num_rows, field.type)
        if column.type != field.type:
            return None
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class RawExamples:
    """The splits to analyse. The first reading of each feeds the statistics as well.

    Args:
        sources: the splits, each of which is in the statistics once.
        decoder: of the columns that the statistics are about.
        collector: of the statistics; None when they aren't wanted.
    """

    def __init__(self, sources: Sequence[SplitSource], decoder: ExampleDecoder, collector: StatisticsCollector | None):
        self._decoder = decoder
        self._collector = collector
        self._sources_without_statistics = list(sources) if collector else []

    def batches(self, source: SplitSource, rows: int) -> Iterator[tf.Tensor]:
        """Serialized examples of a split in their order, as string tensors [<= rows]."""
        batches = read_batches(list_files(source.file_pattern), rows)
        if not self._collector or source not in self._sources_without_statistics:
            return batches
        self._sources_without_statistics.remove(source)
        return self._feed_statistics(batches, self._collector)

    def finish_statistics(self) -> None:
        """Counts the splits that nothing has read because their analysis is cached, or there is none."""
        while self._sources_without_statistics:
            for _ in self.batches(self._sources_without_statistics[0], _READ_BATCH_ROWS):
                pass

    def _feed_statistics(self, batches: Iterator[tf.Tensor], collector: StatisticsCollector) -> Iterator[tf.Tensor]:
        # Decoding costs mostly by the batch: its batches are larger than those of the analysis.
        block: list[bytes] = []
        size = 0
        for records in batches:
            yield records
            few = records.numpy().tolist()
            block += few
            size += sum(map(len, few))
            if size >= BATCH_BYTES:
                collector.add(self._decoder.decode(block))
                block, size = [], 0
        if block:
            collector.add(self._decoder.decode(block))
