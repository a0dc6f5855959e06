"""Whose a run is, in a store that several pipelines write to, perhaps from several workspaces."""

from __future__ import annotations

import re

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.metadata.store import open_or_create_store

_RUN_CONTEXT_TYPE, _PIPELINE_PROPERTY = (
    "flightline_run",
    "pipeline",
)  # a context beside TFX's own, which it makes at a run's first step
SCORING_SUFFIX, MONITORING_SUFFIX = "-scoring", "-monitoring"  # how the names of the pipelines beside training's end
AUXILIARY_SUFFIXES = (SCORING_SUFFIX, MONITORING_SUFFIX)


def reserve_run_id(config: Config, run_id: str) -> bool:
    """Puts on record that a run of this name is the config's; False where the name is taken: TFX would take the two
    for the same run.

    A workspace's own store needs none of it: there the folder of the run says so.
    """
    if not config.metadata.uses_server:
        return True
    store = open_or_create_store(config)
    kind = store.put_context_type(pb.ContextType(name=_RUN_CONTEXT_TYPE, properties={_PIPELINE_PROPERTY: pb.STRING}))
    context = pb.Context(type_id=kind, name=run_id)
    context.properties[_PIPELINE_PROPERTY].string_value = config.name
    try:
        store.put_contexts([context])
    except mlmd.errors.AlreadyExistsError:
        return False
    return True


def with_auxiliary_pipelines(pipeline: str) -> tuple[str, ...]:
    """The names of a pipeline, its scoring and its monitoring."""
    return (pipeline, *(f"{pipeline}{suffix}" for suffix in AUXILIARY_SUFFIXES))


def list_pipelines(store: mlmd.MetadataStore) -> list[str]:
    """The names of all that have a run on record, without those beside training's."""
    return sorted(
        context.name
        for context in _contexts_of_type(store, "pipeline")
        if not context.name.endswith(AUXILIARY_SUFFIXES)
    )


def pipelines_by_run_id(store: mlmd.MetadataStore) -> dict[str, str]:
    """Run id → the name of its pipeline, of all runs."""
    return {
        run.name: context.name
        for context in _contexts_of_type(store, "pipeline")
        for run in store.get_children_contexts_by_context(context.id)
    }


def run_contexts(store: mlmd.MetadataStore, pipeline: str | None) -> list[pb.Context]:
    """The runs of a pipeline and of those beside it; of all where it is None. They are children of its context."""
    if pipeline is None:
        return _contexts_of_type(store, "pipeline_run")
    named = (store.get_context_by_type_and_name("pipeline", name) for name in with_auxiliary_pipelines(pipeline))
    return [run for one in named if one is not None for run in store.get_children_contexts_by_context(one.id)]


def _contexts_of_type(store: mlmd.MetadataStore, kind: str) -> list[pb.Context]:
    try:
        return list(store.get_contexts_by_type(kind))
    except mlmd.errors.NotFoundError:
        return []


def base_run_id(run_id: str) -> str:
    """The id of the run that `r.2`, `r.3`, ... go on with: `r`."""
    return re.sub(r"\.\d+$", "", run_id)


def has_same_base_run(run_id: str, resumed: str) -> bool:
    """Whether a run is the one that is gone on with, or went on with it before."""
    return bool(resumed) and base_run_id(run_id) == base_run_id(resumed)
