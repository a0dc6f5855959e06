"""Read the files of a run's artifacts: statistics, anomalies, schema, model. Only the model needs TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from flightline.errors import UsageError
from flightline.metadata.properties import COLLECTED_STATES
from flightline.metadata.run import Run


def output_folder(run: Run, node: str, output: str) -> Path:
    """The folder of a step's output.

    Raises:
        UsageError: the step did not finish, or garbage collection removed its output.
    """
    step = run.steps.get(node)
    artifact = step.output(output) if step and step.done else None
    if artifact is None:
        raise UsageError(f"run {run.run_id} has no {output} of {node}", f"`flightline why {run.run_id}` explains why")
    if artifact.state in COLLECTED_STATES:
        raise UsageError(
            f"`flightline gc` has removed the {output} of run {run.run_id}",
            "choose a newer run: `flightline runs` lists them",
        )
    return Path(artifact.uri)


def list_splits(run: Run, node: str, output: str) -> list[str]:
    """The splits that a step's output has files of, `train` first.

    Raises:
        UsageError: the step did not finish, or garbage collection removed its output.
    """
    folders = output_folder(run, node, output).glob("Split-*")
    names = [folder.name.removeprefix("Split-") for folder in folders]
    return sorted(names, key=lambda name: (name != "train", name))


def load_statistics(run: Run, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """TFDV's statistics of one split of the examples.

    Raises:
        UsageError: the run has none, or none of this split.
    """
    folder = output_folder(run, "StatisticsGen", "statistics")
    content = _read_bytes(run, folder / f"Split-{split}" / "FeatureStats.pb", f"statistics of split {split}")
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets[0]


def load_anomalies(run: Run, split: str) -> anomalies_pb2.Anomalies:
    """The anomalies that ExampleValidator found in one split.

    Raises:
        UsageError: the run did not validate this split.
    """
    folder = output_folder(run, "ExampleValidator", "anomalies")
    content = _read_bytes(run, folder / f"Split-{split}" / "SchemaDiff.pb", f"anomalies of split {split}")
    return anomalies_pb2.Anomalies.FromString(content)


def load_schema(run: Run) -> schema_pb2.Schema:
    """The curated schema that the run validated its data with.

    Raises:
        UsageError: the run has none.
    """
    folder = output_folder(run, "CuratedSchema", "schema")
    text = _read_bytes(run, folder / "schema.pbtxt", "schema").decode("utf-8")
    return text_format.Parse(text, schema_pb2.Schema())


def load_model(run: Run) -> Any:
    """Load the SavedModel that the run trained; its signature is `serving_default`. Imports TensorFlow.

    Raises:
        UsageError: the run trained none.
    """
    return load_saved_model(output_folder(run, "Trainer", "model") / "Format-Serving")


def load_saved_model(folder: Path) -> Any:
    """Load the SavedModel in a folder. Imports TensorFlow."""
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def _read_bytes(run: Run, path: Path, content: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the {content} of run {run.run_id} cannot be read: {error}", "restore the file, or run the pipeline again"
        ) from error
