"""Two runs of one DAG on the same data, artifact by artifact: `same_*(ours, theirs)` fails where they differ.

Each takes two `Result`s of `tests/e2e/conftest.py`. Rows may be in another order: workers elsewhere write as they come.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXACT_METRICS = {"auc", "auc_precision_recall", "binary_accuracy", "example_count", "precision", "recall"}
NUMERIC_STATISTICS = ("mean", "std_dev", "min", "max", "median", "num_zeros")


def output_path(result: Any, node: str, key: str) -> Path:
    """Where a step's output is."""
    return Path(result.steps[node].output(key).uri)


def assert_same_row_counts(ours: Any, theirs: Any) -> None:
    """Rows read, used and rejected; and the rejected rows themselves."""
    assert ours.summary["rows"] == theirs.summary["rows"]
    files = [Path(result.summary["rejected_file"]) for result in (ours, theirs)]
    rejected = [sorted(csv.reader(file.open(newline=""))) for file in files]
    assert rejected[0] == rejected[1]
    assert len(rejected[0]) == 1 + sum(ours.summary["rows"]["rejected"].values())


def assert_same_examples(ours: Any, theirs: Any) -> None:
    """The same tf.Examples, to the byte, in the same splits."""
    for split in ("train", "eval"):
        first, second = (
            sorted(_read_records(output_path(r, "ExampleGen", "examples") / f"Split-{split}")) for r in (ours, theirs)
        )
        assert first == second
        assert first


def assert_same_statistics(ours: Any, theirs: Any, split: str) -> None:
    """Counts exactly, moments and quantiles to 1e-6; ties among the top values may be broken otherwise."""
    first, second = (_read_statistics(result, split) for result in (ours, theirs))
    assert first.num_examples == second.num_examples
    expected = {tuple(feature.path.step): feature for feature in second.features}
    assert len(first.features) == len(expected)
    for feature in first.features:
        other = expected[tuple(feature.path.step)]
        if feature.WhichOneof("stats") == "num_stats":
            for name in NUMERIC_STATISTICS:
                assert getattr(feature.num_stats, name) == pytest.approx(getattr(other.num_stats, name), rel=1e-6)
        else:
            assert feature.string_stats.unique == other.string_stats.unique
            counts = [sorted(value.frequency for value in f.string_stats.top_values) for f in (feature, other)]
            assert counts[0] == counts[1]


def assert_same_schema_and_anomalies(ours: Any, theirs: Any) -> None:
    """The inferred schema, whatever the order of its features (that of the statistics'), and the anomalies as bytes."""
    first, second = (_read_schema(result) for result in (ours, theirs))
    assert first == second
    first, second = (
        [file.read_bytes() for file in sorted(output_path(result, "ExampleValidator", "anomalies").glob("*/*.pb"))]
        for result in (ours, theirs)
    )
    assert first == second
    assert first


def assert_same_vocabularies(ours: Any, theirs: Any) -> None:
    """The assets of the transform graph, line by line."""
    first, second = (
        {
            f.name: f.read_text()
            for f in (output_path(r, "Transform", "transform_graph") / "transform_fn/assets").iterdir()
        }
        for r in (ours, theirs)
    )
    assert first == second
    assert "carrier" in first


def assert_same_transformed_examples(ours: Any, theirs: Any, split: str, in_order: bool) -> None:
    """Integers exactly and row by row, floats to 1e-5."""
    first, second = (_read_transformed(result, split) for result in (ours, theirs))
    assert first.keys() == second.keys()
    for name, values in first.items():
        pair = (values, second[name]) if in_order else (np.sort(values), np.sort(second[name]))
        np.testing.assert_allclose(*pair, atol=1e-5, err_msg=name)
    integers = [name for name, values in first.items() if values.dtype.kind == "i"]
    rows = [sorted(zip(*(table[name].tolist() for name in integers), strict=True)) for table in (first, second)]
    assert rows[0] == rows[1]


def assert_similar_models(ours: Any, theirs: Any, auc: float) -> None:
    """Counts of every slice exactly. The models were trained on rows in another order, or that differ in the last
    digits: their AUC to `auc`."""
    first, second = (result.summary["evaluation"]["metrics"] for result in (ours, theirs))
    assert first.keys() == second.keys()
    for name, metrics in first.items():
        assert metrics["example_count"] == second[name]["example_count"]
    assert first["overall"]["auc"] == pytest.approx(second["overall"]["auc"], abs=auc)


def assert_same_metrics(ours: Any, theirs: Any) -> None:
    """Two Evaluators on one model: exact, or to the last digits of float32: of sums, and of probabilities that were
    computed in batches of another size."""
    first, second = (result.summary["evaluation"]["metrics"] for result in (ours, theirs))
    assert first.keys() == second.keys()
    for name, metrics in first.items():
        assert metrics.keys() == second[name].keys()
        for metric, value in metrics.items():
            exact = metric in EXACT_METRICS
            near = pytest.approx(second[name][metric], rel=0 if exact else 1e-6, abs=0 if exact else 2e-7)
            assert value == near, f"{metric} of {name}: {value!r}"


def _read_records(folder: Path) -> list[bytes]:
    from flightline.executors.examples import read_examples

    return [record for batch in read_examples(sorted(map(str, folder.iterdir()))) for record in batch]


def _read_schema(result: Any) -> Any:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    text = (output_path(result, "SchemaGen", "schema") / "schema.pbtxt").read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    for parts in (schema.feature, schema.string_domain):
        parts.sort(key=lambda part: part.name)
    return schema


def _read_statistics(result: Any, split: str) -> Any:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    file = output_path(result, "StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets[0]


def _read_transformed(result: Any, split: str) -> dict[str, np.ndarray]:
    from tfx_bsl.coders import example_coder

    records = _read_records(output_path(result, "Transform", "transformed_examples") / f"Split-{split}")
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(records)
    return {name: batch.column(i).flatten().to_numpy(False) for i, name in enumerate(batch.schema.names)}
