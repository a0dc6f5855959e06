"""Checks that features are still associated with the label: shuffled or shifted labels have a normal distribution.

The strength of a numeric feature is its association with the label, `2 * |AUC - 1/2|` of the feature as a score: 0 for
none, 1 if it separates the labels (the absolute value of Somers' D). The strongest feature of the last accepted span is
measured again; after labels were shuffled its strength is close to 0. Changes in real data are much smaller: from month
to month of the flights of 2013, the strongest feature (the departure delay, 0.75 to 0.84) kept between 0.91 and 1.09 of
its strength.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.executors.data_gate.findings import Finding
from flightline.executors.data_gate.policy import LABEL_ASSOCIATION_LOST

MIN_PREVIOUS_STRENGTH = 0.2  # in the span before: weaker associations vary by chance
MIN_RETAINED_FRACTION = 0.5  # of that strength, in the new span
MIN_LABELLED_ROWS = 200
MAX_SAMPLED_ROWS = 50_000


def feature_strengths(batches: Iterable[pa.RecordBatch], label: str) -> dict[str, float]:
    """Numeric feature → its strength, measured on the first rows; each cell of the batches is a list of values."""
    columns: dict[str, list[np.ndarray]] = {}
    rows = 0
    for batch in batches:
        for name, column in _numeric_columns(batch).items():
            columns.setdefault(name, []).append(column)
        rows += batch.num_rows
        if rows >= MAX_SAMPLED_ROWS:
            break
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    labels = joined.pop(label, None)
    if labels is None:
        return {}
    return {
        name: strength for name, values in joined.items() if (strength := _feature_strength(values, labels)) is not None
    }


def label_findings(now: Mapping[str, float], before: Mapping[str, float]) -> list[Finding]:
    """Finds whether the strongest feature of the span before has lost its association with the label."""
    name = max(before, key=lambda feature: before[feature], default="")
    if not name or before[name] < MIN_PREVIOUS_STRENGTH or now.get(name, 0.0) >= MIN_RETAINED_FRACTION * before[name]:
        return []
    problem = (
        f"{name} had the strongest association with the label in the span before and has lost it: "
        f"strength (2·|AUC − 1/2|) {now.get(name, 0.0):.2f}, before {before[name]:.2f}"
    )
    return [Finding(name, LABEL_ASSOCIATION_LOST, problem, 0)]


def _numeric_columns(batch: pa.RecordBatch) -> dict[str, np.ndarray]:
    """Numeric column → float64 [rows], NaN where a row does not have exactly one number."""
    found = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if not pa.types.is_list(column.type) and not pa.types.is_large_list(column.type):
            continue
        if not (pa.types.is_integer(column.type.value_type) or pa.types.is_floating(column.type.value_type)):
            continue
        single = pc.equal(pc.fill_null(pc.list_value_length(column), 0), 1).to_numpy(zero_copy_only=False)
        values = np.full(batch.num_rows, np.nan)
        values[single] = (
            pc.list_flatten(column.filter(pa.array(single))).cast(pa.float64()).to_numpy(zero_copy_only=False)
        )
        found[name] = values
    return found


def _feature_strength(values: np.ndarray, labels: np.ndarray) -> float | None:
    """The strength from the ranks of the values (Mann-Whitney U); None if a label has too few rows."""
    both = ~np.isnan(values) & ~np.isnan(labels)
    values, positive = values[both], labels[both] > 0
    count = int(positive.sum())
    if len(values) < MIN_LABELLED_ROWS or count in (0, len(values)):
        return None
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    auc = (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(values) - count))
    return float(2 * abs(auc - 0.5))
