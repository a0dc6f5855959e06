"""The number of rows that a finished step processed, read from its outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.metadata.evaluation import OVERALL, read_evaluation
from flightline.metadata.properties import properties_of
from flightline.metadata.row_accounting import ROWS_SPLIT_PREFIX
from flightline.metadata.step import Step


def count_rows(step: Step) -> int | None:
    """Rows that the step processed; None where it processes none, or left no count."""
    count = ROW_COUNTERS.get(step.node)
    try:
        return count(step) if count and step.done else None
    except (OSError, ValueError, KeyError):
        return None


def _count_rows_read(step: Step) -> int | None:
    examples = step.output("examples")
    return properties_of(examples).get("rows_read") if examples else None


def _statistics_row_counter(output: str) -> Callable[[Step], int | None]:
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


def _count_rows_transformed(step: Step) -> int | None:
    """From its statistics; where it computes none, because the spans have theirs, from the rows of its inputs."""
    properties = [properties_of(examples) for examples in step.inputs.get("examples", [])]
    rows = sum(value for found in properties for name, value in found.items() if name.startswith(ROWS_SPLIT_PREFIX))
    return _statistics_row_counter("post_transform_stats")(step) or rows or None


def _count_rows_trained(step: Step) -> int | None:
    folder = step.output("model_run")
    if folder is None:
        return None
    report = json.loads((Path(folder.uri) / "training.json").read_text())
    return int(report["rows_trained"]) + int(report["rows_held_out"])


def _count_rows_evaluated(step: Step) -> int | None:
    """None while the run goes on: it saves the evaluation after its last step."""
    evaluation = read_evaluation({step.node: step})
    rows = evaluation.metrics.get(OVERALL, {}).get("example_count") if evaluation else None
    return None if rows is None else int(rows)


def _count_rows_replayed(step: Step) -> int | None:
    blessing = step.output("blessing")
    return properties_of(blessing).get("rows") if blessing else None


ROW_COUNTERS: dict[str, Callable[[Step], int | None]] = {
    "ExampleGen": _count_rows_read,
    "StatisticsGen": _statistics_row_counter("statistics"),
    "Transform": _count_rows_transformed,
    "Trainer": _count_rows_trained,
    "Evaluator": _count_rows_evaluated,
    "ServingCheck": _count_rows_replayed,
}
