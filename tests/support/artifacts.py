"""What the artifacts of a run hold, in forms that two runs can be compared in, whatever the order of their rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pipeline_runs import Result

SPLITS = ("train", "eval")


def uri(result: Result, node: str, key: str) -> Path:
    return Path(result.steps[node].output(key).uri)


def records(folder: Path) -> list[bytes]:
    """The records of every TFRecord file of a split, sorted."""
    import tensorflow as tf

    files = sorted(map(str, folder.glob("*")))
    assert files, f"{folder} has no files"
    return sorted(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def examples(result: Result, split: str) -> Counter[bytes]:
    """How often each serialized tf.Example of a split is there."""
    return Counter(records(uri(result, "ExampleGen", "examples") / f"Split-{split}"))


def statistics(result: Result, split: str) -> Any:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    file = uri(result, "StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets[0]


def vocabularies(result: Result) -> dict[str, str]:
    """The asset files of the transform graph, by name."""
    assets = uri(result, "Transform", "transform_graph") / "transform_fn" / "assets"
    return {file.name: file.read_text() for file in assets.iterdir()}


def transformed(result: Result, split: str) -> dict[str, np.ndarray]:
    """The transformed columns of a split, each sorted, and sorted projections of the rows on fixed random directions.

    Sorted numbers move by no more than the numbers themselves, so that two runs can be compared to a tolerance. The
    projections tell rows with their values swapped apart, which columns alone do not.
    """
    from tfx_bsl.coders import example_coder

    folder = uri(result, "Transform", "transformed_examples") / f"Split-{split}"
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(records(folder))
    columns = {
        name: batch.column(index).flatten().to_numpy(False).reshape(batch.num_rows, -1).astype(np.float64)
        for index, name in sorted(enumerate(batch.schema.names), key=lambda item: item[1])
    }
    rows = np.column_stack([column / (np.abs(column).max() or 1.0) for column in columns.values()])
    directions = np.random.default_rng(0).normal(size=(rows.shape[1], 8)) / rows.shape[1]
    projections = {f"projection {number}": rows @ direction for number, direction in enumerate(directions.T)}
    return {name: np.sort(values, axis=0) for name, values in {**columns, **projections}.items()}
