"""Counts the rows with an anomaly: TFDV reports at most their approximate share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

MISSING_VALUE_ANOMALIES = {
    "FEATURE_TYPE_LOW_FRACTION_PRESENT",
    "FEATURE_TYPE_LOW_NUMBER_PRESENT",
    "FEATURE_TYPE_NOT_PRESENT",
    "SCHEMA_MISSING_COLUMN",
    "FEATURE_TYPE_LOW_NUMBER_VALUES",
    "INVALID_FEATURE_SHAPE",
}
PRESENT_VALUE_ANOMALIES = {"SCHEMA_NEW_COLUMN", "UNEXPECTED_DATA_TYPE"}


def count_anomalous_rows(batches: Iterator[pa.RecordBatch], feature: str, kind: str, schema: schema_pb2.Schema) -> int:
    """Counts the rows that have the anomaly.

    Args:
        batches: examples with a list of values in each cell, as tfx_bsl decodes them.
        feature: the column.
        kind: TFDV's name of the anomaly. If it is about a distribution, every row with a value counts.
        schema: the curated schema.
    """
    declared = next((f for f in schema.feature if f.name == feature), schema_pb2.Feature())
    return sum(_count_in_batch(batch, feature, kind, declared, schema.string_domain) for batch in batches)


def _count_in_batch(
    batch: pa.RecordBatch,
    feature: str,
    kind: str,
    declared: schema_pb2.Feature,
    domains: Sequence[schema_pb2.StringDomain],
) -> int:
    index = batch.schema.get_field_index(feature)
    if index < 0:
        return batch.num_rows if kind in MISSING_VALUE_ANOMALIES else 0
    column = batch.column(index)
    if pa.types.is_null(column.type):
        return batch.num_rows if kind in MISSING_VALUE_ANOMALIES else 0
    values = column.flatten()
    rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    present = len(np.unique(rows))
    if kind in MISSING_VALUE_ANOMALIES:
        return batch.num_rows - present
    bad = None if kind in PRESENT_VALUE_ANOMALIES else _out_of_domain_mask(values, declared, domains)
    return present if bad is None else len(np.unique(rows[bad]))


def _out_of_domain_mask(
    values: pa.Array, declared: schema_pb2.Feature, domains: Sequence[schema_pb2.StringDomain]
) -> np.ndarray | None:
    """[values] bool: which values are outside the feature's domain; None if it has no domain of the values' type."""
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        named = {domain.name: domain for domain in domains}
        domain = named.get(declared.domain, declared.string_domain)
        known = pa.array([value.encode() for value in domain.value], values.type)
        return ~pc.is_in(values, value_set=known).to_numpy(zero_copy_only=False) if len(known) else None
    numbers = values.to_numpy(zero_copy_only=False)
    for limits in (declared.int_domain, declared.float_domain):
        lowest = limits.min if limits.HasField("min") else -np.inf
        highest = limits.max if limits.HasField("max") else np.inf
        if declared.WhichOneof("domain_info") and (np.isfinite(lowest) or np.isfinite(highest)):
            return ~((numbers >= lowest) & (numbers <= highest))
    return None
