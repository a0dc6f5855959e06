"""What a run's artifacts hold, read without TensorFlow (but for the model itself)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from flightline.errors import UsageError
from flightline.metadata.evaluation import OVERALL, read_evaluation
from flightline.metadata.properties import COLLECTED_STATES
from flightline.metadata.step import RunSteps


def output_dir(run: RunSteps, node: str, output: str) -> Path:
    """Where a step's output is.

    Raises:
        UsageError: the run did not get that far, or what it made was collected.
    """
    step = run.steps.get(node)
    artifact = step.output(output) if step and step.done else None
    if artifact is None:
        raise UsageError(f"run {run.run_id} has no {output} of {node}", f"`flightline why {run.run_id}` says why")
    if artifact.state in COLLECTED_STATES:
        raise UsageError(f"`flightline gc` has removed the {output} of run {run.run_id}", "look at a run it has kept")
    return Path(artifact.uri)


def load_statistics(run: RunSteps, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics of a split of the examples.

    Raises:
        UsageError: the run made none, or none of this split.
    """
    folder = output_dir(run, "StatisticsGen", "statistics")
    content = _read_bytes(run, folder / f"Split-{split}" / "FeatureStats.pb", f"statistics of split {split}")
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets[0]


def load_anomalies(run: RunSteps, split: str) -> anomalies_pb2.Anomalies:
    """What ExampleValidator found in a split. Raises UsageError where it did not look at it."""
    folder = output_dir(run, "ExampleValidator", "anomalies")
    content = _read_bytes(run, folder / f"Split-{split}" / "SchemaDiff.pb", f"anomalies of split {split}")
    return anomalies_pb2.Anomalies.FromString(content)


def load_schema(run: RunSteps) -> schema_pb2.Schema:
    """The curated schema that the data were held to. Raises UsageError where the run has none."""
    folder = output_dir(run, "CuratedSchema", "schema")
    text = _read_bytes(run, folder / "schema.pbtxt", "schema").decode("utf-8")
    return text_format.Parse(text, schema_pb2.Schema())


def load_metrics(run: RunSteps, slice_name: str = OVERALL) -> dict[str, float]:
    """What was measured on a slice (`overall`, `origin=JFK`).

    Raises:
        UsageError: nothing was.
    """
    evaluation = read_evaluation(run.steps)
    if evaluation is None or slice_name not in evaluation.metrics:
        known = ", ".join(evaluation.metrics) if evaluation else "none"
        raise UsageError(f"run {run.run_id} has no metrics of slice {slice_name}", f"it has: {known}")
    return dict(evaluation.metrics[slice_name])


def load_model(run: RunSteps) -> Any:
    """The SavedModel that the run trained, loaded: `run.model().signatures["serving_default"]`. Imports TensorFlow."""
    return load_saved_model(output_dir(run, "Trainer", "model") / "Format-Serving")


def load_saved_model(folder: Path) -> Any:
    """The SavedModel in a folder, loaded. Imports TensorFlow."""
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def _read_bytes(run: RunSteps, path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"the {what} of run {run.run_id} cannot be read: {error}", "restore the artifacts") from error
