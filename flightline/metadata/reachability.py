"""What is reached from artifacts by going back through ML Metadata: all that they were made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS

# Each analyzer cache was made with the help of the one before, back to the first run. It only says how to be quick:
# what is made with it is the same as without, so that nothing is reached by having read one.
TRANSFORM_CACHE_TYPE = "TransformCache"
# The channel with all accepted spans before one that the data gate judges. They are what it is held against, not what
# anything is made of: by them every span would be needed for ever.
COMPARISON_CHANNEL = "accepted_examples"


@dataclass(frozen=True)
class ArtifactGraph:
    """All events of a store.

    Attributes:
        artifacts: by id.
        maker: artifact → the execution that made it; what a later one took from the cache was made by the first.
        made: execution → the artifacts that it made.
        read, given: execution → the artifacts that it read, and those that it gave, its own or somebody else's.
    """

    artifacts: dict[int, pb.Artifact]
    maker: dict[int, int]
    made: dict[int, set[int]]
    read: dict[int, set[int]]
    given: dict[int, set[int]]

    def reached(self, roots: Iterable[int]) -> set[int]:
        """`roots` and, through the executions that made them, what those read; again and again.

        What a reached execution has made is reached as a whole: TFX takes all of its outputs from the cache or none.
        """
        found: set[int] = set()
        waiting = set(roots)
        while waiting:
            artifact = waiting.pop()
            found.add(artifact)
            execution = self.maker.get(artifact)
            if execution is not None:
                waiting |= (self.read[execution] | self.made[execution]) - found
        return found

    def touched(self, executions: Collection[int]) -> set[int]:
        """What these executions have read and given."""
        return {artifact for e in executions for artifact in self.read[e] | self.given[e]}


def load_artifact_graph(store: mlmd.MetadataStore) -> ArtifactGraph:
    """Everything at once, in three queries."""
    artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
    executions = [execution.id for execution in store.get_executions()]
    events = store.get_events_by_execution_ids(executions) if executions else []
    maker: dict[int, int] = {}
    for event in events:
        if event.type in OUTPUT_EVENTS:
            maker[event.artifact_id] = min(event.execution_id, maker.get(event.artifact_id, event.execution_id))
    made: dict[int, set[int]] = defaultdict(set)
    for artifact, execution in maker.items():
        made[execution].add(artifact)
    read: dict[int, set[int]] = defaultdict(set)
    given: dict[int, set[int]] = defaultdict(set)
    for event in events:
        if (
            artifacts[event.artifact_id].type == TRANSFORM_CACHE_TYPE
            and maker.get(event.artifact_id) != event.execution_id
        ):
            continue
        if event.path.steps and event.path.steps[0].key == COMPARISON_CHANNEL:
            continue
        side = read if event.type in INPUT_EVENTS else given if event.type in OUTPUT_EVENTS else None
        if side is not None:
            side[event.execution_id].add(event.artifact_id)
    return ArtifactGraph(artifacts, maker, made, read, given)
