"""TFX's own cache and channels: an artifact that a collection has begun with is given to nobody."""

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx import types
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.orchestration.portable import cache_utils
from tfx.orchestration.portable.input_resolution import channel_resolver
from tfx.orchestration.portable.mlmd import context_lib, execution_lib
from tfx.proto.orchestration import pipeline_pb2

from flightline.metadata.store import sqlite_config

NODE = "flights.Trainer"


@pytest.fixture
def made(tmp_path):
    """A Model and its ModelRun, made by an execution that is in the cache; their files are there."""
    with metadata.Metadata(sqlite_config(tmp_path / "metadata.db")) as handle:
        cache = context_lib.register_context_if_not_exists(handle, context_lib.CONTEXT_TYPE_EXECUTION_CACHE, "a key")
        node = context_lib.register_context_if_not_exists(handle, "node", NODE)
        outputs = {}
        for key, kind in (
            ("model", tfx.types.standard_artifacts.Model),
            ("model_run", tfx.types.standard_artifacts.ModelRun),
        ):
            artifact = kind()
            artifact.uri = str(tmp_path / key)
            Path(artifact.uri).mkdir()
            artifact.mlmd_artifact.state = pb.Artifact.LIVE
            outputs[key] = [artifact]
        execution = execution_lib.prepare_execution(handle, pb.ExecutionType(name="Trainer"), pb.Execution.COMPLETE)
        execution_lib.put_execution(handle, execution, [cache, node], output_artifacts=outputs)
        yield handle, cache


def mark(store, kind, state):
    [artifact] = store.get_artifacts_by_type(kind)
    artifact.state = state
    store.put_artifacts([artifact])


def resolved(handle):
    """What a node that reads any Model of this node would be given."""
    query = pipeline_pb2.InputSpec.Channel(output_key="model")
    query.artifact_query.type.name = types.standard_artifacts.Model.TYPE_NAME
    context = query.context_queries.add()
    context.type.name, context.name.field_value.string_value = "node", NODE
    return channel_resolver.resolve_union_channels(handle, [query])


@pytest.mark.parametrize("state", [pb.Artifact.MARKED_FOR_DELETION, pb.Artifact.DELETED])
def test_an_execution_with_a_collected_output_is_not_in_the_cache(made, state):
    handle, cache = made
    assert cache_utils.get_cached_outputs(handle, cache).keys() == {"model", "model_run"}
    mark(handle.store, "ModelRun", state)
    assert cache_utils.get_cached_outputs(handle, cache) is None


@pytest.mark.parametrize("state", [pb.Artifact.MARKED_FOR_DELETION, pb.Artifact.DELETED])
def test_a_resolver_does_not_find_a_collected_model(made, state):
    handle, _ = made
    assert len(resolved(handle)) == 1
    mark(handle.store, "Model", state)
    assert resolved(handle) == []
