"""The artifacts that a run took and made, what made them, and in which run."""

from __future__ import annotations

from collections.abc import Iterable

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import OUTPUT_EVENTS, properties_of
from flightline.metadata.run import Run
from flightline.reporting.html.data import ArtifactFacts

DIGEST_PROPERTY = "content_digest"
FINAL_ARTIFACT_TYPES = ("PushedModel", "ModelBlessing", "InfraBlessing", "ModelEvaluation", "Model", "Examples")


def list_artifacts(store: mlmd.MetadataStore, run: Run) -> list[ArtifactFacts]:
    """Every artifact of the run's steps, by id."""
    artifacts: dict[int, pb.Artifact] = {}
    outputs: dict[tuple[int, str], tuple[str, tuple[int, ...]]] = {}
    for step in run.steps.values():
        taken = {artifact.id: artifact for found in step.inputs.values() for artifact in found}
        artifacts |= taken
        for key, found in step.outputs.items():
            for artifact in found:
                artifacts[artifact.id] = artifact
                outputs[artifact.id, step.node] = (key, tuple(sorted(taken)))
    makers = _producers(store, sorted(artifacts))
    facts = []
    for number, artifact in sorted(artifacts.items()):
        node, run_id = makers.get(number, ("", ""))
        key, made_from = outputs.get((number, node), ("", ()))
        digest = str(properties_of(artifact).get(DIGEST_PROPERTY) or "")
        facts.append(ArtifactFacts(number, artifact.type, key, node, run_id, artifact.uri, made_from, digest))
    return facts


def _producers(store: mlmd.MetadataStore, artifact_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Artifact id → node and run that made it: the first one, since later runs hand it on from the cache."""
    events = store.get_events_by_artifact_ids(artifact_ids) if artifact_ids else []
    first: dict[int, int] = {}
    for event in events:
        if event.type in OUTPUT_EVENTS:
            first[event.artifact_id] = min(first.get(event.artifact_id, event.execution_id), event.execution_id)
    makers = {execution: _producer(store, execution) for execution in set(first.values())}
    return {artifact: makers[execution] for artifact, execution in first.items()}


def _producer(store: mlmd.MetadataStore, execution_id: int) -> tuple[str, str]:
    contexts = {context.type: context.name for context in store.get_contexts_by_execution(execution_id)}
    node = contexts.get("node", "").removeprefix(f"{contexts.get('pipeline', '')}.")
    return node, contexts.get("pipeline_run", "")


def upstream_artifacts(artifacts: Iterable[ArtifactFacts]) -> list[ArtifactFacts]:
    """What the last thing that a run made was made from, itself included: the release, or how far the run got."""
    by_id = {artifact.id: artifact for artifact in artifacts}
    for kind in FINAL_ARTIFACT_TYPES:
        ends = [artifact.id for artifact in by_id.values() if artifact.type == kind and artifact.key]
        if ends:
            break
    else:
        return []
    reached: set[int] = set()
    waiting = [max(ends)]
    while waiting:
        number = waiting.pop()
        if number not in reached and number in by_id:
            reached.add(number)
            waiting += by_id[number].made_from
    return [by_id[number] for number in sorted(reached)]
