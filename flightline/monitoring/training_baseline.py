"""The statistics of the data that a release was trained on, from ML Metadata."""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import UsageError
from flightline.executors.window_monitor.columns import STATISTICS_SPLIT
from flightline.metadata.properties import COLLECTED_STATES, INPUT_EVENTS, OUTPUT_EVENTS
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs


def training_statistics(runs: Runs, trained: Run) -> list[pb.Artifact]:
    """StatisticsGen's statistics of the Examples that a run trained on, one artifact for each span.

    Raises:
        UsageError: they no longer exist.
    """
    transform = trained.steps.get("Transform")
    examples = transform.inputs.get("examples", []) if transform else []
    kind = runs.store.get_artifact_type("ExampleStatistics").id
    found: dict[int, pb.Artifact] = {}
    for artifact in examples:
        events = runs.store.get_events_by_artifact_ids([artifact.id])
        readers = [event.execution_id for event in events if event.type in INPUT_EVENTS]
        outputs = [e.artifact_id for e in runs.store.get_events_by_execution_ids(readers) if e.type in OUTPUT_EVENTS]
        statistics = [
            a for a in runs.store.get_artifacts_by_id(outputs) if a.type_id == kind and _is_usable_statistics(a)
        ]
        if statistics:
            newest = max(statistics, key=lambda candidate: candidate.id)
            found[newest.id] = newest
    if not found:
        raise UsageError(
            f"the training statistics of the current release, from run {trained.run_id}, no longer exist",
            "train and release a new model",
        )
    return [found[number] for number in sorted(found)]


def _is_usable_statistics(artifact: pb.Artifact) -> bool:
    """Whether the files exist and are StatisticsGen's, which are by split; Transform writes statistics as well."""
    return (
        artifact.state not in COLLECTED_STATES and STATISTICS_SPLIT in artifact.properties["split_names"].string_value
    )
