"""Whose a run is, in a store that several workspaces write to: TFX takes two runs of one name for the same run."""

from __future__ import annotations

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.config import Config
from pipeline.metadata.store import make_store

_KIND, _PIPELINE = "flightline_run", "pipeline"  # a context beside TFX's own, which it makes at a run's first step


def reserve(config: Config, run_id: str) -> bool:
    """Puts on record that a run of this name is the config's; False where the name is taken.

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


def reserved(store: mlmd.MetadataStore, config: Config) -> set[str]:
    """The runs of the config's pipeline, with those that score and monitor for it."""
    try:
        contexts = store.get_contexts_by_type(_KIND)
    except mlmd.errors.NotFoundError:
        return set()
    return {context.name for context in contexts if context.properties[_PIPELINE].string_value == config.name}
