"""The raw examples of the analysed splits: read once, for the analysis and the pre-transform statistics together."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util

from pipeline.fast.examples import BATCH_BYTES, decode_regular
from pipeline.fast.transform.job import Source
from pipeline.fast.transform.records import list_files, read_batches
from pipeline.fast.transform.statistics import StatisticsCollector

_READ_ROWS = 4096


class Decoder:
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
        regular = decode_regular(examples) if self._schema else None
        typed = _typed(regular, self._schema) if regular is not None else None
        return typed if typed is not None else self._decoder.DecodeBatch(examples)


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch | None:
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

    def __init__(self, sources: Sequence[Source], decoder: Decoder, collector: StatisticsCollector | None):
        self._decoder = decoder
        self._collector = collector
        self._uncounted = list(sources) if collector else []

    def batches(self, source: Source, rows: int) -> Iterator[tf.Tensor]:
        """Serialized examples of a split in their order, as string tensors [<= rows]."""
        batches = read_batches(list_files(source.file_pattern), rows)
        if not self._collector or source not in self._uncounted:
            return batches
        self._uncounted.remove(source)
        return self._counted(batches, self._collector)

    def finish_statistics(self) -> None:
        """Counts the splits that nothing has read because their analysis is cached, or there is none."""
        while self._uncounted:
            for _ in self.batches(self._uncounted[0], _READ_ROWS):
                pass

    def _counted(self, batches: Iterator[tf.Tensor], collector: StatisticsCollector) -> Iterator[tf.Tensor]:
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
