"""One pass over the examples: of every row its labels, its predictions, and its value of each slicing feature."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2

from flightline.executors.evaluator.bins import NO_BIN, Edges, bin_indices, bin_names
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.raw_features import RawColumn, RawFeatureParser
from flightline.executors.evaluator.scored_model import ScoredModel
from flightline.executors.evaluator.slicing import SliceColumn
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError, all_slicing_specs

# Rows scored at once: enough to amortise a call, little enough for wide one-hot layers.
BATCH_ROWS = 4096
_READ_BUFFER_BYTES = 8 << 20
_RESERVED_LABEL = -1  # TFMA turns labels of -1 into one-hot vectors


@dataclasses.dataclass(frozen=True)
class Scores:
    """Labels [rows] and predictions [rows] of one model, both finite numbers in the model's own types."""

    labels: np.ndarray
    predictions: np.ndarray

    @functools.cached_property
    def float64_labels(self) -> np.ndarray:
        """The labels as float64, which TFMA computes in: made once for all metrics."""
        return self.labels.astype(np.float64)

    @functools.cached_property
    def float64_predictions(self) -> np.ndarray:
        """The predictions as float64."""
        return self.predictions.astype(np.float64)

    @functools.cached_property
    def binary(self) -> bool:
        """Whether every label is 0 or 1."""
        return not ((self.labels != 0) & (self.labels != 1)).any()


@dataclasses.dataclass(frozen=True)
class ScoredRows:
    """What is kept of the data: a few bytes per row, no features.

    Attributes:
      num_rows: rows read.
      scores: by model name.
      slice_columns: by name of the slicing feature.
    """

    num_rows: int
    scores: Mapping[str, Scores]
    slice_columns: Mapping[str, SliceColumn]


def score_examples(job: EvaluationJob, on_rows: Callable[[int], None] | None = None) -> ScoredRows:
    """Reads the examples once and scores every model on them.

    Args:
      job: models and data.
      on_rows: called after every batch with the number of rows done so far.

    Raises:
      UnsupportedEvaluationError: the models or the data are not supported.
    """
    specs = {spec.name: spec for spec in job.eval_config.model_specs}
    slice_keys = _slice_keys(all_slicing_specs(job.eval_config))
    models = {
        name: ScoredModel(job.model_paths[name], spec, {spec.label_key, *slice_keys})
        for name, spec in specs.items()
        if name in job.model_paths
    }
    collector = _ScoreCollector(specs, models, slice_keys, job.edges)
    rows = 0
    for examples in _batches(job.example_files):
        collector.add(examples)
        rows += len(examples)
        if on_rows is not None:
            on_rows(rows)
    return collector.finish(rows)


class _ScoreCollector:
    """Collects labels, predictions and slice values, batch by batch."""

    def __init__(
        self,
        specs: Mapping[str, config_pb2.ModelSpec],
        models: Mapping[str, ScoredModel],
        slice_keys: Sequence[str],
        edges: Edges,
    ) -> None:
        self._specs, self._models, self._edges = specs, models, edges
        features = [models[name].feature_names if name in models else frozenset() for name in specs]
        computed, common = frozenset().union(*features), frozenset.intersection(*features)
        raw_labels = {spec.label_key for spec in specs.values()} - common
        logged = {spec.prediction_key for name, spec in specs.items() if name not in models}
        self._raw = RawFeatureParser(raw_labels | logged | (set(slice_keys) - computed))
        self._labels: dict[str, list[np.ndarray]] = {name: [] for name in specs}
        self._predictions: dict[str, list[np.ndarray]] = {name: [] for name in specs}
        self._slices = {key: SliceColumn(key) for key in slice_keys}

    def add(self, examples: tf.Tensor) -> None:
        raw = self._raw.parse(examples)
        raw |= {key: _bin_column(raw[key], edges) for key, edges in self._edges.items() if key in raw}
        transformed = {name: model.transform(examples) for name, model in self._models.items()}
        for name, spec in self._specs.items():
            label = spec.label_key
            own = transformed.get(name, {})
            values = own[label] if label in own else _require_every_row(label, raw, "label")
            self._labels[name].append(_check_labels(values, label))
            predictions = (
                self._models[name].predict(examples)
                if name in self._models
                else _require_every_row(spec.prediction_key, raw, "prediction")
            )
            self._predictions[name].append(_finite_numbers(predictions, "a prediction"))
        for key, column in self._slices.items():
            _append_slice_values(column, len(examples), [t[key] for t in transformed.values() if key in t], raw)

    def finish(self, rows: int) -> ScoredRows:
        if not rows:
            raise UnsupportedEvaluationError("there are no examples")
        scores = {
            name: Scores(np.concatenate(self._labels.pop(name)), np.concatenate(self._predictions.pop(name)))
            for name in self._specs
        }
        return ScoredRows(rows, scores, self._slices)


def _append_slice_values(
    column: SliceColumn, rows: int, transformed: Sequence[np.ndarray], raw: Mapping[str, RawColumn]
) -> None:
    """Appends a batch of `rows`, from the models that compute the feature, else from the raw features."""
    if transformed:
        # TFMA puts a row into the slices of every model's value: one slice only if they agree.
        if any(not np.array_equal(transformed[0], other) for other in transformed[1:]):
            raise UnsupportedEvaluationError(f"the models transform the slicing feature {column.name!r} differently")
        column.append(transformed[0], np.ones(rows, bool))
    elif column.name in raw:
        column.append(raw[column.name].values, raw[column.name].present)
    else:
        column.append_missing(rows)


def _bin_column(column: RawColumn, edges: Sequence[float]) -> RawColumn:
    """Replace numbers by the names of their bins; NaN is in none."""
    names = np.array([name.encode() for name in bin_names(edges)], dtype=object)
    numbers = bin_indices(column.values, edges)
    present = column.present.copy()
    present[present] = numbers != NO_BIN
    return RawColumn(names[numbers[numbers != NO_BIN]], present)


def _slice_keys(slicing_specs: Sequence[config_pb2.SlicingSpec]) -> list[str]:
    return sorted({key for spec in slicing_specs for key in (*spec.feature_keys, *spec.feature_values)})


def _batches(files: Sequence[str]) -> Iterator[tf.Tensor]:
    for path in files:
        compression = "GZIP" if path.endswith(".gz") else ""
        records = tf.data.TFRecordDataset(path, compression, _READ_BUFFER_BYTES)
        yield from records.batch(BATCH_ROWS).prefetch(1)


def _require_every_row(name: str, raw: Mapping[str, RawColumn], role: str) -> np.ndarray:
    if name not in raw or not raw[name].present.all():
        raise UnsupportedEvaluationError(f"rows without the {role} {name!r}")
    return raw[name].values


def _check_labels(values: np.ndarray, label: str) -> np.ndarray:
    if (_finite_numbers(values, f"a label {label!r}") == _RESERVED_LABEL).any():
        raise UnsupportedEvaluationError(f"a label {label!r} is {_RESERVED_LABEL}")
    return values


def _finite_numbers(values: np.ndarray, subject: str) -> np.ndarray:
    if values.dtype.kind not in "iuf":
        raise UnsupportedEvaluationError(f"{subject} is of type {values.dtype}")
    if not np.isfinite(values).all():
        raise UnsupportedEvaluationError(f"{subject} is NaN or infinite")
    return values
