"""What a run's artifacts hold, read without TensorFlow (but for the model itself)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from pipeline.errors import UsageError
from pipeline.metadata.evaluations import evaluation_of
from pipeline.metadata.store import COLLECTED
from pipeline.verdict import OVERALL

if TYPE_CHECKING:
    from pipeline.metadata.run import Run


def folder_of(run: Run, node: str, output: str) -> Path:
    """Where a step's output is.

    Raises:
        UsageError: the run did not get that far, or what it made was collected.
    """
    step = run.steps.get(node)
    artifact = step.output(output) if step and step.done else None
    if artifact is None:
        raise UsageError(f"run {run.run_id} has no {output} of {node}", f"`flightline why {run.run_id}` says why")
    if artifact.state in COLLECTED:
        raise UsageError(f"`flightline gc` has removed the {output} of run {run.run_id}", "look at a run it has kept")
    return Path(artifact.uri)


def statistics(run: Run, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics of a split of the examples.

    Raises:
        UsageError: the run made none, or none of this split.
    """
    folder = folder_of(run, "StatisticsGen", "statistics")
    content = _bytes_of(run, folder / f"Split-{split}" / "FeatureStats.pb", f"statistics of split {split}")
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets[0]


def anomalies(run: Run, split: str) -> anomalies_pb2.Anomalies:
    """What ExampleValidator found in a split. Raises UsageError where it did not look at it."""
    folder = folder_of(run, "ExampleValidator", "anomalies")
    content = _bytes_of(run, folder / f"Split-{split}" / "SchemaDiff.pb", f"anomalies of split {split}")
    return anomalies_pb2.Anomalies.FromString(content)


def schema(run: Run) -> schema_pb2.Schema:
    """The curated schema that the data were held to. Raises UsageError where the run has none."""
    folder = folder_of(run, "CuratedSchema", "schema")
    text = _bytes_of(run, folder / "schema.pbtxt", "schema").decode("utf-8")
    return text_format.Parse(text, schema_pb2.Schema())


def metrics(run: Run, slice_name: str = OVERALL) -> dict[str, float]:
    """What was measured on a slice (`overall`, `origin=JFK`).

    Raises:
        UsageError: nothing was.
    """
    evaluation = evaluation_of(run)
    if evaluation is None or slice_name not in evaluation.metrics:
        known = ", ".join(evaluation.metrics) if evaluation else "none"
        raise UsageError(f"run {run.run_id} has no metrics of slice {slice_name}", f"it has: {known}")
    return dict(evaluation.metrics[slice_name])


def model(run: Run) -> Any:
    """The SavedModel that the run trained, loaded: `run.model().signatures["serving_default"]`. Imports TensorFlow."""
    return saved_model(folder_of(run, "Trainer", "model") / "Format-Serving")


def saved_model(folder: Path) -> Any:
    """The SavedModel in a folder, loaded. Imports TensorFlow."""
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def _bytes_of(run: Run, path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"the {what} of run {run.run_id} cannot be read: {error}", "restore the artifacts") from error
