"""Copy the champion that a run was compared with to a new metadata store."""

from __future__ import annotations

from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import OUTPUT_EVENTS
from flightline.metadata.run import Run
from flightline.metadata.store import sqlite_config
from flightline.runs.reproduce.restore import RestoreError

CHAMPION_NODE = "Champion"


def copy_champion(source: mlmd.MetadataStore, run: Run, target_db: Path) -> str | None:
    """Record the champion of `run` in a new store as a pushed model. Its files are not copied.

    Returns:
        The URI of its files; None if the run had no champion.

    Raises:
        RestoreError: the files are gone.
    """
    step = run.steps.get(CHAMPION_NODE)
    model, pushed = (step.output("model"), step.output("pushed_model")) if step else (None, None)
    if model is None or pushed is None:
        return None
    if not Path(model.uri).is_dir():
        raise RestoreError(f"the champion of run {run.run_id}, {model.uri}, is gone", "restore its files")
    target_db.parent.mkdir(parents=True, exist_ok=True)
    target = mlmd.MetadataStore(sqlite_config(target_db))
    trained = _copy_artifact(source, target, model, [])
    _copy_artifact(source, target, pushed, [trained])
    return str(model.uri)


def _copy_artifact(
    source: mlmd.MetadataStore, target: mlmd.MetadataStore, artifact: pb.Artifact, inputs: list[int]
) -> int:
    """Copy an artifact and the execution that made it from `inputs`; return its id in the new store."""
    [output_event] = [e for e in source.get_events_by_artifact_ids([artifact.id]) if e.type in OUTPUT_EVENTS][:1]
    [old] = source.get_executions_by_id([output_event.execution_id])
    copy = pb.Artifact(uri=artifact.uri, state=pb.Artifact.LIVE, name=artifact.name)
    copy.type_id = target.put_artifact_type(_copy_without_id(source.get_artifact_type(artifact.type)))
    for name, value in artifact.properties.items():
        copy.properties[name].CopyFrom(value)
    for name, value in artifact.custom_properties.items():
        copy.custom_properties[name].CopyFrom(value)
    execution = pb.Execution(last_known_state=pb.Execution.COMPLETE)
    execution.type_id = target.put_execution_type(_copy_without_id(source.get_execution_type(old.type)))
    pairs = [(target.get_artifacts_by_id([i])[0], pb.Event(type=pb.Event.INPUT)) for i in inputs]
    pairs.append((copy, pb.Event(type=pb.Event.OUTPUT, path=output_event.path)))
    contexts = [_copy_context(source, target, context) for context in source.get_contexts_by_execution(old.id)]
    _, ids, _ = target.put_execution(execution, pairs, [c for c in contexts if c is not None], True)
    return int(ids[-1])


def _copy_context(source: mlmd.MetadataStore, target: mlmd.MetadataStore, context: pb.Context) -> pb.Context | None:
    """Copy the contexts by which runs find artifacts of others, pipeline and node; None for other contexts."""
    if context.type not in ("pipeline", "node"):
        return None
    kind = target.put_context_type(_copy_without_id(source.get_context_type(context.type)))
    return pb.Context(type_id=kind, name=context.name)


def _copy_without_id(kind: pb.ArtifactType | pb.ExecutionType | pb.ContextType) -> pb.ArtifactType:
    copy = type(kind)()
    copy.CopyFrom(kind)
    copy.ClearField("id")
    return copy
