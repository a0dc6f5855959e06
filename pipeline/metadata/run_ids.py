"""Whose a run is, in a store that several pipelines write to, perhaps from several workspaces."""

from __future__ import annotations

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.config import Config
from pipeline.metadata.store import make_store

_KIND, _PIPELINE = "flightline_run", "pipeline"  # a context beside TFX's own, which it makes at a run's first step
SCORING, MONITORING = "-scoring", "-monitoring"  # how the names of the pipelines beside training's end
BESIDE = (SCORING, MONITORING)


def reserve(config: Config, run_id: str) -> bool:
    """Puts on record that a run of this name is the config's; False where the name is taken: TFX would take the two
    for the same run.

    A workspace's own store needs none of it: there the folder of the run says so.
    """
    if not config.metadata.on_a_server:
        return True
    store = make_store(config)
    kind = store.put_context_type(pb.ContextType(name=_KIND, properties={_PIPELINE: pb.STRING}))
    context = pb.Context(type_id=kind, name=run_id)
    context.properties[_PIPELINE].string_value = config.name
    try:
        store.put_contexts([context])
    except mlmd.errors.AlreadyExistsError:
        return False
    return True


def with_those_beside(pipeline: str) -> tuple[str, ...]:
    """The names of a pipeline, its scoring and its monitoring."""
    return (pipeline, *(f"{pipeline}{suffix}" for suffix in BESIDE))


def pipelines(store: mlmd.MetadataStore) -> list[str]:
    """The names of all that have a run on record, without those beside training's."""
    return sorted(context.name for context in _of_kind(store, "pipeline") if not context.name.endswith(BESIDE))


def pipeline_of_each(store: mlmd.MetadataStore) -> dict[str, str]:
    """Run id → the name of its pipeline, of all runs."""
    return {
        run.name: context.name
        for context in _of_kind(store, "pipeline")
        for run in store.get_children_contexts_by_context(context.id)
    }


def run_contexts(store: mlmd.MetadataStore, pipeline: str | None) -> list[pb.Context]:
    """The runs of a pipeline and of those beside it; of all where it is None. They are children of its context."""
    if pipeline is None:
        return _of_kind(store, "pipeline_run")
    named = (store.get_context_by_type_and_name("pipeline", name) for name in with_those_beside(pipeline))
    return [run for one in named if one is not None for run in store.get_children_contexts_by_context(one.id)]


def _of_kind(store: mlmd.MetadataStore, kind: str) -> list[pb.Context]:
    try:
        return list(store.get_contexts_by_type(kind))
    except mlmd.errors.NotFoundError:
        return []
