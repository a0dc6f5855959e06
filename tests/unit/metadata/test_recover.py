import re

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import UsageError
from flightline.metadata.execution_records import write_execution_records
from flightline.metadata.recover import recover_store
from flightline.metadata.store import open_store, sqlite_config


@pytest.fixture
def config(tmp_path):
    """A config whose store has two executions: one made the artifact that the other read."""
    config = load_config(DEFAULT_CONFIG, overrides=[f"workspace={tmp_path}"])
    store = mlmd.MetadataStore(sqlite_config(config.metadata_db))
    examples = store.put_artifact_type(pb.ArtifactType(name="Examples", properties={"span": pb.INT}))
    pipelines = store.put_context_type(pb.ContextType(name="pipeline"))
    runs = store.put_context_type(pb.ContextType(name="pipeline_run"))
    contexts = store.put_contexts([pb.Context(type_id=pipelines, name="p"), pb.Context(type_id=runs, name="r")])
    store.put_parent_contexts([pb.ParentContext(child_id=contexts[1], parent_id=contexts[0])])
    store.put_artifacts([pb.Artifact(type_id=examples, uri="lost")])  # ids do not begin at 1
    folder = tmp_path / "artifacts" / "Gen" / "examples" / "1"
    folder.mkdir(parents=True)
    (folder / "rows").write_text("1")
    artifact = pb.Artifact(type_id=examples, uri=str(folder), state=pb.Artifact.LIVE)
    artifact.properties["span"].int_value = 2**40
    [artifact.id] = store.put_artifacts([artifact])
    for node, kind in (("Gen", pb.Event.OUTPUT), ("Statistics", pb.Event.INPUT)):
        type_id = store.put_execution_type(pb.ExecutionType(name=node))
        execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.COMPLETE)
        execution.custom_properties["reason"].string_value = "first run"
        store.put_execution(execution, [(artifact, pb.Event(type=kind))], store.get_contexts())
    return config


def write_records(config):
    write_execution_records(config, open_store(config), [("Gen", 1), ("Statistics", 2)])


def contents(config):
    """All nodes and events of a store, without the ids of types, which no folder is named after."""
    store = open_store(config)
    events = store.get_events_by_execution_ids([1, 2])
    artifacts = [artifact for artifact in store.get_artifacts() if artifact.uri != "lost"]
    links = [[a.id for a in store.get_artifacts_by_context(context.id)] for context in store.get_contexts()]
    links += [[p.name for p in store.get_parent_contexts_by_context(context.id)] for context in store.get_contexts()]
    messages = [*artifacts, *store.get_executions(), *store.get_contexts(), *events, *links]
    return [re.sub(r"type_id: \d+\n", "", str(message)) for message in messages]


def test_the_rebuilt_store_is_the_one_that_was_lost(config, tmp_path):
    write_records(config)
    before = contents(config)
    config.metadata_db.rename(tmp_path / "lost.db")
    found = recover_store(config)
    assert (found.executions, found.artifacts, found.runs) == (2, 1, ["r"])
    assert found.unreadable == found.unrecorded == []
    assert contents(config) == before
    # New nodes get new ids.
    kind = open_store(config).get_execution_type("Gen").id
    assert open_store(config).put_executions([pb.Execution(type_id=kind)]) == [3]


def test_an_empty_file_takes_no_place_of_a_store(config):
    write_records(config)
    before = contents(config)
    config.metadata_db.write_bytes(b"")
    recover_store(config)
    assert contents(config) == before


def test_what_cannot_be_rebuilt_is_named(config, tmp_path):
    write_records(config)
    (tmp_path / "artifacts" / "Gen" / ".system" / "record" / "1" / "execution.json").write_text("{")
    config.metadata_db.unlink()
    found = recover_store(config)
    assert found.executions == 1
    assert "Gen/.system/record/1/execution.json" in found.unreadable[0]
    assert found.unrecorded == [str(tmp_path / "artifacts" / "Gen" / "examples" / "1")]


def test_an_artifact_without_files_is_rebuilt_as_deleted(config, tmp_path):
    write_records(config)
    config.metadata_db.unlink()
    (tmp_path / "artifacts" / "Gen" / "examples" / "1" / "rows").unlink()
    (tmp_path / "artifacts" / "Gen" / "examples" / "1").rmdir()
    assert recover_store(config).missing == [str(tmp_path / "artifacts" / "Gen" / "examples" / "1")]
    [artifact] = open_store(config).get_artifacts()
    assert artifact.state == pb.Artifact.DELETED


def test_a_store_is_never_replaced(config):
    write_records(config)
    before = contents(config)
    with pytest.raises(UsageError, match="there is a metadata store"):
        recover_store(config)
    assert contents(config) == before


def test_without_records_nothing_is_written(config, tmp_path):
    config.metadata_db.rename(tmp_path / "lost.db")
    with pytest.raises(UsageError, match="no readable records"):
        recover_store(config)
    assert not config.metadata_db.exists()
