"""The ancestors of artifacts: the artifacts that they were computed from, by ML Metadata's events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS

# Each analyzer cache was made with the one before, back to the first run. It only saves time: outputs are the same
# without it, so reading a cache does not make it an ancestor.
TRANSFORM_CACHE_TYPE = "TransformCache"
# The channel with the accepted spans that the data gate compares a new one with. No output is computed from them:
# counted as ancestors, they would keep every span for ever.
COMPARISON_CHANNEL = "accepted_examples"


@dataclass(frozen=True)
class ArtifactGraph:
    """All events of a store.

    Attributes:
        artifacts: by id.
        producer: artifact → the execution that made it; a later one that took it from the cache is not its producer.
        produced: execution → the artifacts that it made.
        inputs: execution → the artifacts that it read.
        outputs: execution → its output artifacts, computed by it or taken from the cache.
    """

    artifacts: dict[int, pb.Artifact]
    producer: dict[int, int]
    produced: dict[int, set[int]]
    inputs: dict[int, set[int]]
    outputs: dict[int, set[int]]

    def reachable_from(self, roots: Iterable[int]) -> set[int]:
        """`roots`, all that they were made from, and the other outputs of the executions that made them.

        The other outputs count because TFX takes all outputs of an execution from the cache, or none.
        """
        found: set[int] = set()
        waiting = set(roots)
        while waiting:
            artifact = waiting.pop()
            found.add(artifact)
            execution = self.producer.get(artifact)
            if execution is not None:
                waiting |= (self.inputs[execution] | self.produced[execution]) - found
        return found

    def read_or_written(self, executions: Collection[int]) -> set[int]:
        """The inputs and outputs of these executions."""
        return {artifact for e in executions for artifact in self.inputs[e] | self.outputs[e]}


def load_artifact_graph(store: mlmd.MetadataStore) -> ArtifactGraph:
    """Read all artifacts and events of a store, in three queries."""
    artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
    executions = [execution.id for execution in store.get_executions()]
    events = store.get_events_by_execution_ids(executions) if executions else []
    producer: dict[int, int] = {}
    for event in events:
        if event.type in OUTPUT_EVENTS:
            producer[event.artifact_id] = min(event.execution_id, producer.get(event.artifact_id, event.execution_id))
    produced: dict[int, set[int]] = defaultdict(set)
    for artifact, execution in producer.items():
        produced[execution].add(artifact)
    inputs: dict[int, set[int]] = defaultdict(set)
    outputs: dict[int, set[int]] = defaultdict(set)
    for event in events:
        if (
            artifacts[event.artifact_id].type == TRANSFORM_CACHE_TYPE
            and producer.get(event.artifact_id) != event.execution_id
        ):
            continue
        if event.path.steps and event.path.steps[0].key == COMPARISON_CHANNEL:
            continue
        target = inputs if event.type in INPUT_EVENTS else outputs if event.type in OUTPUT_EVENTS else None
        if target is not None:
            target[event.execution_id].add(event.artifact_id)
    return ArtifactGraph(artifacts, producer, produced, inputs, outputs)
