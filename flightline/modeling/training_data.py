"""Transformed examples as matrices on disk: read and parsed once, in bounded memory, whatever their number."""

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from flightline.config.feature_plan import FeaturePlan
from flightline.modeling.model_io import CATEGORICAL_INPUT, NUMERIC_INPUT, model_inputs

_READ_BATCH_ROWS = 8192
_EVAL_BATCH_ROWS = 16384

FeatureMatrices = dict[str, np.ndarray]


@dataclass(frozen=True)
class TrainingData:
    """Matrices with a row for each example; memory-mapped, so that the system decides what stays in memory."""

    features: FeatureMatrices  # "numbers": float32 [rows, numbers], "categories": int32 [rows, categories]
    labels: np.ndarray  # [rows]: float32 0 or 1, or a regression's values; int64 indices of classes

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> tuple[FeatureMatrices, np.ndarray]:
        """Copy the rows at `index` into memory."""
        return {name: matrix[index] for name, matrix in self.features.items()}, self.labels[index]

    def close(self) -> None:
        """Unmap the matrices. TensorFlow keeps the endless generator of batches, which would keep them mapped."""
        self.features.clear()


@contextlib.contextmanager
def open_training_data(patterns: Sequence[str], plan: FeaturePlan) -> Iterator[TrainingData]:
    """Read training data into a temporary folder, which is removed at the end; see `read_training_data`."""
    with (
        tempfile.TemporaryDirectory(prefix="rows-") as directory,
        contextlib.closing(read_training_data(patterns, plan, Path(directory))) as rows,
    ):
        yield rows


def read_training_data(patterns: Sequence[str], plan: FeaturePlan, directory: Path) -> TrainingData:
    """Read all transformed tf.Examples of the files that match `patterns` into matrices under `directory`.

    Raises:
        ValueError: there are no files or no rows, or some labels are missing or not valid for the task.
    """
    files = sorted(tf.io.gfile.glob(list(patterns)))
    if not files:
        raise ValueError(f"no transformed examples match {', '.join(patterns)}: run Transform first")
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP" if files[0].endswith(".gz") else "")
    dataset = dataset.batch(_READ_BATCH_ROWS).map(_make_parser(plan), num_parallel_calls=2, deterministic=True)
    widths = {NUMERIC_INPUT: len(plan.numbers), CATEGORICAL_INPUT: len(plan.categories)}
    dtypes = {NUMERIC_INPUT: np.float32, CATEGORICAL_INPUT: np.int32}
    names = [name for name, width in widths.items() if width]
    labels = []
    sinks = {name: (directory / name).open("wb") for name in names}
    try:
        for features, batch_labels in dataset.prefetch(2).as_numpy_iterator():
            for name in names:
                sinks[name].write(features[name].data)
            labels.append(batch_labels)
    finally:
        for sink in sinks.values():
            sink.close()
    if not labels:
        raise ValueError(f"{len(files)} files of transformed examples hold no rows: {files[0]}")
    all_labels = np.concatenate(labels)
    _check_labels(all_labels, plan)
    matrices: FeatureMatrices = {
        name: np.memmap(directory / name, dtypes[name], "r", shape=(len(all_labels), widths[name])) for name in names
    }
    return TrainingData(matrices, all_labels)


def shuffled_batches(rows: TrainingData, index: np.ndarray, batch_size: int, seed: int) -> tf.data.Dataset:
    """Make an endless stream of batches of the rows at `index`: in another order each pass, without a partial batch."""

    def batches() -> Iterator[tuple[FeatureMatrices, np.ndarray]]:
        order = np.random.default_rng(seed)
        while True:
            shuffled = order.permutation(index)
            for start in range(0, len(shuffled) - batch_size + 1, batch_size):
                yield rows.take(shuffled[start : start + batch_size])

    return _make_dataset(batches, rows, batch_size)


def ordered_batches(rows: TrainingData, index: np.ndarray) -> tf.data.Dataset:
    """Make one pass over the rows at `index`, for evaluation."""

    def batches() -> Iterator[tuple[FeatureMatrices, np.ndarray]]:
        for start in range(0, len(index), _EVAL_BATCH_ROWS):
            yield rows.take(index[start : start + _EVAL_BATCH_ROWS])

    # Without a known number of batches, Keras warns that the data ended too early.
    size = math.ceil(len(index) / _EVAL_BATCH_ROWS)
    return _make_dataset(batches, rows, None).apply(tf.data.experimental.assert_cardinality(size))


def _make_dataset(
    batches: Callable[[], Iterator[tuple[FeatureMatrices, np.ndarray]]], rows: TrainingData, batch_size: int | None
) -> tf.data.Dataset:
    features = {
        name: tf.TensorSpec((batch_size, matrix.shape[1]), matrix.dtype) for name, matrix in rows.features.items()
    }
    signature = (features, tf.TensorSpec((batch_size,), rows.labels.dtype))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)


def _make_parser(plan: FeaturePlan) -> Callable[[tf.Tensor], tuple[dict[str, tf.Tensor], tf.Tensor]]:
    target = plan.target
    keeps_float_label = target.task == "binary" and target.positive is None and plan.label_type == "FLOAT"
    label_type = tf.float32 if keeps_float_label or target.task == "regression" else tf.int64
    training_label_type = tf.int64 if target.task == "multiclass" else tf.float32
    spec = {plan.transformed_label: tf.io.FixedLenFeature([], label_type)}
    spec |= {number.transformed: tf.io.FixedLenFeature([], tf.float32) for number in plan.numbers}
    spec |= {category.transformed: tf.io.FixedLenFeature([], tf.int64) for category in plan.categories}

    def parse(examples: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        columns = tf.io.parse_example(examples, spec)
        return model_inputs(plan, columns), tf.cast(columns[plan.transformed_label], training_label_type)

    return parse


def _check_labels(labels: np.ndarray, plan: FeaturePlan) -> None:
    match plan.target.task:
        case "binary":
            bad, problem = (labels != 0) & (labels != 1), "is neither 0 nor 1"
        case "multiclass":
            bad, problem = labels < 0, f"is not one of the {len(plan.target.classes)} `classes` of the config"
        case "regression":
            bad, problem = ~np.isfinite(labels), "is not finite"
    if bad.any():
        raise ValueError(
            f"label {plan.label!r}: in {np.count_nonzero(bad)} of {len(labels)} rows it is missing or {problem} "
            f"(such as {labels[bad][0]:g}): reject these rows at ingestion"
        )
