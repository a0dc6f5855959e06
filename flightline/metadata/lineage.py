"""What an artifact was made from, and what was made from it: breadth-first over ML Metadata's events.

Both TFX lines answer these questions; 1.21 has neither `filter_query` nor lineage sub-graphs with a starting filter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import ml_metadata as mlmd

from flightline.errors import UsageError
from flightline.metadata.properties import (
    COLLECTED_STATES,
    CONTENT_DIGEST_PROPERTY,
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    properties_of,
)

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Artifact:
    """An artifact, with what made it.

    Attributes:
        id: as ML Metadata has it.
        type: its type's name.
        uri: its directory or file.
        digest: of its content; empty where none is on record.
        node: the step that made it.
        run: the run that made it; a later one that took it from the cache is not named.
        execution: id of the execution that made it; None for artifacts that were brought in.
        parents: ids of the artifacts that this execution read.
        properties: all of them.
        collected: whether `flightline gc` has removed its files.
    """

    id: int
    type: str
    uri: str
    digest: str
    node: str
    run: str
    execution: int | None
    parents: tuple[int, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict, repr=False)
    collected: bool = False

    @property
    def span(self) -> str:
        """`span 3 version 2` for Examples of one; empty for what has no span."""
        parts = [f"{name} {self.properties[name]}" for name in ("span", "version") if self.properties.get(name)]
        return " ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **{name: int(self.properties[name]) for name in ("span", "version") if self.properties.get(name)},
            "type": self.type,
            "uri": self.uri,
            "digest": self.digest,
            "node": self.node,
            "run": self.run,
            "parents": list(self.parents),
            "collected": self.collected,
        }


def trace_artifacts(store: mlmd.MetadataStore, start: int, direction: Direction = "up") -> list[Artifact]:
    """The artifact `start`, then what it was made from (`up`) or what was made from it (`down`), nearest first.

    Raises:
        UsageError: there is no such artifact.
    """
    if not store.get_artifacts_by_id([start]):
        raise UsageError(f"there is no artifact {start} in the metadata store")
    order, wave, seen = [start], {start}, {start}
    while wave:
        ends, step = (OUTPUT_EVENTS, INPUT_EVENTS) if direction == "up" else (INPUT_EVENTS, OUTPUT_EVENTS)
        executions = _executions_by_artifact(store, wave, ends, first=direction == "up")
        found = _artifacts_of_executions(store, executions, step)
        if direction == "down":  # handed on from a cache, they were made by others
            made = _executions_by_artifact(store, found, OUTPUT_EVENTS, first=True)
            found = {artifact for artifact in found if made.get(artifact, set()) & _flatten(executions)}
        wave = found - seen
        seen |= wave
        order += sorted(wave, reverse=True)
    return describe_artifacts(store, order)


def describe_artifacts(store: mlmd.MetadataStore, ids: Iterable[int]) -> list[Artifact]:
    """The artifacts of these ids, in this order."""
    wanted = list(ids)
    makers = {
        artifact: min(found) for artifact, found in _executions_by_artifact(store, wanted, OUTPUT_EVENTS, True).items()
    }
    parents: dict[int, set[int]] = defaultdict(set)
    for event in store.get_events_by_execution_ids(sorted(set(makers.values()))) if makers else []:
        if event.type in INPUT_EVENTS:
            parents[event.execution_id].add(event.artifact_id)
    places = {execution: _node_and_run(store, execution) for execution in set(makers.values())}
    described = {}
    for artifact in store.get_artifacts_by_id(wanted) if wanted else []:
        properties, maker = properties_of(artifact), makers.get(artifact.id)
        node, run = places[maker] if maker is not None else ("", "")
        described[artifact.id] = Artifact(
            artifact.id,
            artifact.type,
            artifact.uri,
            str(properties.get(CONTENT_DIGEST_PROPERTY) or ""),
            node,
            run,
            maker,
            tuple(sorted(parents[maker])) if maker is not None else (),
            properties,
            artifact.state in COLLECTED_STATES,
        )
    return [described[number] for number in wanted]


def _executions_by_artifact(
    store: mlmd.MetadataStore, artifacts: Iterable[int], kinds: set[int], first: bool
) -> dict[int, set[int]]:
    """Artifact → executions with an event of these kinds; with `first` only the earliest, which made it."""
    ids = sorted(artifacts)
    found: dict[int, set[int]] = defaultdict(set)
    for event in store.get_events_by_artifact_ids(ids) if ids else []:
        if event.type in kinds:
            found[event.artifact_id].add(event.execution_id)
    return {artifact: {min(some)} for artifact, some in found.items()} if first else dict(found)


def _artifacts_of_executions(store: mlmd.MetadataStore, executions: dict[int, set[int]], kinds: set[int]) -> set[int]:
    ids = sorted(_flatten(executions))
    events = store.get_events_by_execution_ids(ids) if ids else []
    return {event.artifact_id for event in events if event.type in kinds}


def _flatten(executions: dict[int, set[int]]) -> set[int]:
    return {execution for some in executions.values() for execution in some}


def _node_and_run(store: mlmd.MetadataStore, execution: int) -> tuple[str, str]:
    """(node, run) of an execution."""
    contexts = {context.type: context.name for context in store.get_contexts_by_execution(execution)}
    pipeline = contexts.get("pipeline", "")
    return contexts.get("node", "").removeprefix(f"{pipeline}."), contexts.get("pipeline_run", "")
