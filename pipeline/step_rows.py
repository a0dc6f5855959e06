"""How many rows a finished step worked on, read from what it left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.metadata.run import Step
from pipeline.metadata.store import properties_of
from pipeline.rows import SPLIT


def rows_of(step: Step) -> int | None:
    """Rows of the step; None where it has none to speak of, or left no count."""
    count = COUNTS.get(step.node)
    try:
        return count(step) if count and step.done else None
    except (OSError, ValueError, KeyError):
        return None


def _rows_read(step: Step) -> int | None:
    examples = step.output("examples")
    return properties_of(examples).get("rows_read") if examples else None


def _rows_of_statistics(output: str) -> Callable[[Step], int | None]:
    def count(step: Step) -> int | None:
        artifact = step.output(output)
        files = sorted(Path(artifact.uri).glob("Split-*/FeatureStats.pb")) if artifact else []
        files += [Path(artifact.uri) / "FeatureStats.pb"] if artifact and not files else []
        rows = 0
        for file in files:
            statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
            rows += sum(dataset.num_examples for dataset in statistics.datasets)
        return rows or None

    return count


def _rows_transformed(step: Step) -> int | None:
    """By its statistics, else (where spans have been profiled already) by the rows of what it read."""
    properties = [properties_of(examples) for examples in step.inputs.get("examples", [])]
    rows = sum(value for found in properties for name, value in found.items() if name.startswith(SPLIT))
    return _rows_of_statistics("post_transform_stats")(step) or rows or None


def _rows_trained(step: Step) -> int | None:
    folder = step.output("model_run")
    if folder is None:
        return None
    report = json.loads((Path(folder.uri) / "training.json").read_text())
    return int(report["rows_trained"]) + int(report["rows_held_out"])


def _rows_replayed(step: Step) -> int | None:
    blessing = step.output("blessing")
    return properties_of(blessing).get("rows") if blessing else None


COUNTS: dict[str, Callable[[Step], int | None]] = {
    "ExampleGen": _rows_read,
    "StatisticsGen": _rows_of_statistics("statistics"),
    "Transform": _rows_transformed,
    "Trainer": _rows_trained,
    "ServingCheck": _rows_replayed,
}
