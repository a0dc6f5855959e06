"""The artifacts that a run read and wrote, with the node and the run that produced each."""

from __future__ import annotations

from collections.abc import Iterable

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, OUTPUT_EVENTS, properties_of
from flightline.metadata.run import Run
from flightline.reporting.html.data import ArtifactFacts

# Types of the artifact whose lineage the report shows: the first of these that the run wrote.
FINAL_ARTIFACT_TYPES = ("PushedModel", "ModelBlessing", "InfraBlessing", "ModelEvaluation", "Model", "Examples")


def list_artifacts(store: mlmd.MetadataStore, run: Run) -> list[ArtifactFacts]:
    """Every artifact that the run's steps read or wrote, sorted by id."""
    artifacts: dict[int, pb.Artifact] = {}
    outputs: dict[tuple[int, str], tuple[str, tuple[int, ...]]] = {}
    for step in run.steps.values():
        inputs = {artifact.id: artifact for found in step.inputs.values() for artifact in found}
        artifacts |= inputs
        for key, found in step.outputs.items():
            for artifact in found:
                artifacts[artifact.id] = artifact
                outputs[artifact.id, step.node] = (key, tuple(sorted(inputs)))
    producers = _producers(store, sorted(artifacts))
    facts = []
    for artifact_id, artifact in sorted(artifacts.items()):
        node, run_id = producers.get(artifact_id, ("", ""))
        key, input_ids = outputs.get((artifact_id, node), ("", ()))
        digest = str(properties_of(artifact).get(CONTENT_DIGEST_PROPERTY) or "")
        facts.append(ArtifactFacts(artifact_id, artifact.type, key, node, run_id, artifact.uri, input_ids, digest))
    return facts


def _producers(store: mlmd.MetadataStore, artifact_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Artifact id → the node and run that wrote it: the first one, since later runs only return it from the cache."""
    events = store.get_events_by_artifact_ids(artifact_ids) if artifact_ids else []
    first: dict[int, int] = {}
    for event in events:
        if event.type in OUTPUT_EVENTS:
            first[event.artifact_id] = min(first.get(event.artifact_id, event.execution_id), event.execution_id)
    producers = {execution: _producer(store, execution) for execution in set(first.values())}
    return {artifact: producers[execution] for artifact, execution in first.items()}


def _producer(store: mlmd.MetadataStore, execution_id: int) -> tuple[str, str]:
    contexts = {context.type: context.name for context in store.get_contexts_by_execution(execution_id)}
    node = contexts.get("node", "").removeprefix(f"{contexts.get('pipeline', '')}.")
    return node, contexts.get("pipeline_run", "")


def upstream_artifacts(artifacts: Iterable[ArtifactFacts]) -> list[ArtifactFacts]:
    """The lineage of the last artifact that a run wrote, itself included: of the release, or of what the run got to."""
    by_id = {artifact.id: artifact for artifact in artifacts}
    for kind in FINAL_ARTIFACT_TYPES:
        candidates = [artifact.id for artifact in by_id.values() if artifact.type == kind and artifact.key]
        if candidates:
            break
    else:
        return []
    reached: set[int] = set()
    waiting = [max(candidates)]
    while waiting:
        artifact_id = waiting.pop()
        if artifact_id not in reached and artifact_id in by_id:
            reached.add(artifact_id)
            waiting += by_id[artifact_id].input_ids
    return [by_id[artifact_id] for artifact_id in sorted(reached)]
