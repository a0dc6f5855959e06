"""Run ids and pipelines: which run belongs to which pipeline, in a store that several pipelines share."""

from __future__ import annotations

import re

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.metadata.store import open_or_create_store

# A context of our own: TFX makes its context for a run only at the run's first step.
_RUN_CONTEXT_TYPE, _PIPELINE_PROPERTY = "flightline_run", "pipeline"
SCORING_SUFFIX, MONITORING_SUFFIX = "-scoring", "-monitoring"  # of the names of auxiliary pipelines
AUXILIARY_SUFFIXES = (SCORING_SUFFIX, MONITORING_SUFFIX)


def reserve_run_id(config: Config, run_id: str) -> bool:
    """Reserve a run id for the config's pipeline; return False if another run has it. TFX would merge the two runs.

    Only a shared server needs this: in a workspace, the run's folder reserves the id.
    """
    if not config.metadata.uses_server:
        return True
    store = open_or_create_store(config)
    type_id = store.put_context_type(pb.ContextType(name=_RUN_CONTEXT_TYPE, properties={_PIPELINE_PROPERTY: pb.STRING}))
    context = pb.Context(type_id=type_id, name=run_id)
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
    """The names of the training pipelines that have a run."""
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
    """The contexts of the runs of a pipeline, its scoring and its monitoring; of all pipelines where it is None."""
    if pipeline is None:
        return _contexts_of_type(store, "pipeline_run")
    contexts = (store.get_context_by_type_and_name("pipeline", name) for name in with_auxiliary_pipelines(pipeline))
    return [run for context in contexts if context for run in store.get_children_contexts_by_context(context.id)]


def _contexts_of_type(store: mlmd.MetadataStore, kind: str) -> list[pb.Context]:
    try:
        return list(store.get_contexts_by_type(kind))
    except mlmd.errors.NotFoundError:
        return []


def base_run_id(run_id: str) -> str:
    """The id of the run that `r.2`, `r.3`, ... resume: `r`."""
    return re.sub(r"\.\d+$", "", run_id)


def has_same_base_run(run_id: str, resumed: str) -> bool:
    """Whether a run is the resumed run, or an earlier resumption of it."""
    return bool(resumed) and base_run_id(run_id) == base_run_id(resumed)
