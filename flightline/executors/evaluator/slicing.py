"""Finds the rows of every slice, keyed as TFMA keys them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

# ((feature, value), ...), sorted by feature; () is the whole data set.
SliceKey = tuple[tuple[str, str | int], ...]

_MISSING_CODE = -1


class SliceColumn:
    """A slicing feature: the code of each row and the value of each code. Rows without a value have the code -1."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Any] = []
        self._code_of: dict[Any, int] = {}
        self._codes: list[np.ndarray] = []

    def append(self, values: np.ndarray, present: np.ndarray) -> None:
        """Append a batch: `values` of the rows where `present` [rows, bool] is true.

        Raises:
          UnsupportedEvaluationError: the values are neither strings nor integers.
        """
        if values.dtype.kind not in "Oiu":
            raise UnsupportedEvaluationError(f"the slicing feature {self.name!r} is of type {values.dtype}")
        batch_codes, batch_values = pd.factorize(values)
        codes = np.full(len(present), _MISSING_CODE, np.int32)
        codes[present] = np.array([self._code(value) for value in batch_values.tolist()], np.int32)[batch_codes]
        self._codes.append(codes)

    def append_missing(self, rows: int) -> None:
        """Append a batch of rows without a value."""
        self._codes.append(np.full(rows, _MISSING_CODE, np.int32))

    def codes(self) -> np.ndarray:
        """Returns the codes [rows, int32]."""
        if len(self._codes) > 1:
            self._codes = [np.concatenate(self._codes)]
        return self._codes[0]

    def _code(self, value: Any) -> int:
        code = self._code_of.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code


def group_rows_by_slice(
    slicing_specs: Sequence[config_pb2.SlicingSpec], columns: Mapping[str, SliceColumn], num_rows: int
) -> dict[SliceKey, np.ndarray]:
    """Returns the row numbers [rows of the slice, int32, ascending] of every slice that has rows.

    TFMA's own slicer names the slices of each distinct combination of values. Without specs: the overall slice.
    """
    slices: dict[SliceKey, list[np.ndarray]] = {}
    for spec in slicing_specs or [config_pb2.SlicingSpec()]:
        spec_slices: dict[SliceKey, list[np.ndarray]] = {}
        single_spec = slicer_lib.SingleSliceSpec(spec=spec)
        for features, rows in _group_by_values(sorted({*spec.feature_keys, *spec.feature_values}), columns, num_rows):
            for key in set(slicer_lib.get_slices_for_features_dicts([], features, [single_spec])):
                spec_slices.setdefault(key, []).append(rows)
        for key in sorted(spec_slices):
            slices.setdefault(key, []).extend(spec_slices[key])
    # Two specs can match the same slice; its rows count once.
    return {key: parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts)) for key, parts in slices.items()}


def _group_by_values(
    names: Sequence[str], columns: Mapping[str, SliceColumn], num_rows: int
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yields (features of one row, rows that share them) for each combination of values in the data."""
    # One number for each combination, in the smallest type: numpy radix-sorts 16 bits.
    possible = math.prod(len(columns[name].values) + 1 for name in names)
    if possible > np.iinfo(np.int64).max:
        raise UnsupportedEvaluationError(f"{possible} possible combinations of {', '.join(names)}")
    combined = np.zeros(num_rows, np.min_scalar_type(possible))
    for name in names:
        combined *= len(columns[name].values) + 1
        combined += (columns[name].codes() - _MISSING_CODE).astype(combined.dtype)
    order = np.argsort(combined, kind="stable").astype(np.int32)
    combined = combined[order]
    starts = np.flatnonzero(combined[1:] != combined[:-1]) + 1
    for rows in np.split(order, starts):
        yield _row_features(int(rows[0]), names, columns), rows


def _row_features(row: int, names: Sequence[str], columns: Mapping[str, SliceColumn]) -> dict[str, np.ndarray]:
    """Returns the features of a row as TFMA's slicer takes them; missing ones are left out."""
    features = {}
    for name in names:
        code = columns[name].codes()[row]
        if code != _MISSING_CODE:
            value = columns[name].values[code]
            features[name] = np.array([value], dtype=object if isinstance(value, bytes) else None)
    return features
