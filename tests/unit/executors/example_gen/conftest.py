"""Stock CsvExampleGen's own code, run in this process without Beam, and readers for what an ingestion writes."""

import csv
import gzip
import struct
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.components.example_gen import base_example_gen_executor
from tfx.components.example_gen.csv_example_gen import executor
from tfx.proto import example_gen_pb2
from tfx.utils import io_utils
from tfx_bsl.coders import csv_decoder


class StockCsv:
    """Records, examples and splits that stock CsvExampleGen reads from a CSV file."""

    @staticmethod
    def records(path) -> list[str]:
        return list(executor._ReadCsvRecordsFromTextFile().process(str(path)))

    @staticmethod
    def rows(path) -> list[list[bytes]]:
        """Cells of each row that has as many as the header; stock itself fails on the others."""
        names = io_utils.load_csv_column_names(str(path))
        rows = (StockCsv.cells(record) for record in StockCsv.records(path))
        return [row for row in rows if row is not None and len(row) == len(names)]

    @staticmethod
    def cells(record: str) -> list[bytes] | None:
        reader = csv_decoder._CSVRecordReader(",")
        try:
            return reader.ReadLine(record) if _is_complete(record) else None
        except csv.Error:
            return None

    @staticmethod
    def examples(path) -> list[tf.train.Example]:
        names = io_utils.load_csv_column_names(str(path))
        inferrer = csv_decoder.ColumnTypeInferrer(names, skip_blank_lines=True)
        types, rows = inferrer.create_accumulator(), StockCsv.rows(path)
        for row in rows:
            types = inferrer.add_input(types, row)
        infos, convert = inferrer.extract_output(types), executor._ParsedCsvToTfExample()
        return [example for row in rows for example in convert.process(row, infos)]

    @staticmethod
    def splits(path, hash_buckets: dict[str, int], feature: str | None = None) -> dict[str, list[bytes]]:
        """Canonical bytes of the examples of each split, in the order of the file."""
        config = example_gen_pb2.SplitConfig(partition_feature_name=feature)
        names, upper = list(hash_buckets), []
        for buckets in hash_buckets.values():
            upper.append(buckets + (upper[-1] if upper else 0))
        splits = {name: [] for name in names}
        for example in StockCsv.examples(path):
            place = base_example_gen_executor._PartitionFn(example, len(upper), upper, config)
            splits[names[place]].append(example.SerializeToString(deterministic=True))
        return splits


def _is_complete(record: str) -> bool:
    """Whether Python's csv module sees the record's end; on an incomplete record stock's reader never returns."""

    def once():
        yield record
        raise EOFError

    try:
        next(csv.reader(once()))
    except EOFError:
        return False
    except csv.Error:
        return True
    return True


@pytest.fixture(scope="session")
def stock() -> type[StockCsv]:
    return StockCsv


@pytest.fixture(scope="session")
def read_splits():
    """`read_splits(directory)` → split name → its records, in order."""

    def read(directory) -> dict[str, list[bytes]]:
        return {
            split.name.removeprefix("Split-"): [record for file in sorted(split.iterdir()) for record in _records(file)]
            for split in Path(directory).glob("Split-*")
        }

    return read


def _records(path: Path) -> list[bytes]:
    content, records, at = gzip.decompress(path.read_bytes()), [], 0
    while at < len(content):
        (size,) = struct.unpack_from("<Q", content, at)
        records.append(content[at + 12 : at + 12 + size])
        at += 12 + size + 4
    return records
