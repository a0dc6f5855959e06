"""A few rows for a dry run: the first rows of a file, or random ones that fit the schema."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.schema_file import read_schema
from flightline.errors import InputError

SAMPLE_ROWS = 2000
_DEFAULT_INT_COUNT = 50  # an INT column without a domain gets 0 .. 49
_DEFAULT_STRINGS = [f"value_{number}" for number in range(20)]  # and a BYTES column these


def write_file_head(source: Path, folder: Path, rows: int = SAMPLE_ROWS) -> Path:
    """Write the first rows of a CSV (plain, .gz, .zst) or Parquet file below `folder`; return the new file.

    Raises:
        InputError: the file does not exist, cannot be read, or has no rows.
    """
    try:  # pandas raises ValueErrors, and an ImportError if a codec is missing
        if source.suffix in {".parquet", ".pq"}:
            target = folder / "sample.parquet"
            batches = pyarrow.parquet.ParquetFile(source).iter_batches(rows)
            pyarrow.parquet.write_table(pa.Table.from_batches(itertools.islice(batches, 1)), target)
            return target
        head = pd.read_csv(source, dtype=str, keep_default_na=False, nrows=rows, on_bad_lines="skip")
    except (OSError, ValueError, ImportError, pa.ArrowException) as error:
        raise InputError(f"--sample {source} cannot be read: {error}", "name a CSV or Parquet file") from error
    return _write_csv(head, folder)


def write_schema_rows(schema_file: Path, label: str, folder: Path, rows: int = SAMPLE_ROWS) -> Path:
    """Write rows of random values within the schema's domains, with a label of 0 or 1; return the new file.

    Raises:
        ConfigError: the schema cannot be read.
    """
    schema = read_schema(schema_file)
    random = np.random.default_rng(0)
    columns = {feature.name: _random_values(feature, schema, random, rows) for feature in schema.feature}
    return _write_csv(pd.DataFrame(columns | {label: random.integers(0, 2, rows)}), folder)


def _write_csv(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "sample.csv", index=False)
    return folder / "sample.csv"


def _random_values(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, random: np.random.Generator, rows: int
) -> np.ndarray:
    """Return `rows` random values from the feature's domain."""
    if feature.type == schema_pb2.INT:
        domain = feature.int_domain
        low = domain.min if domain.HasField("min") else min(0, domain.max) if domain.HasField("max") else 0
        high = domain.max if domain.HasField("max") else low + _DEFAULT_INT_COUNT
        return random.integers(low, high, rows, endpoint=True)
    if feature.type == schema_pb2.FLOAT:
        bounds = feature.float_domain
        low = bounds.min if bounds.HasField("min") else bounds.max - 1 if bounds.HasField("max") else 0.0
        high = bounds.max if bounds.HasField("max") else low + 1
        return np.round(random.uniform(low, high, rows), 3)
    shared = {domain.name: domain for domain in schema.string_domain}
    domain = shared.get(feature.domain) or feature.string_domain
    return random.choice(np.array(list(domain.value) or _DEFAULT_STRINGS, dtype=object), rows)
