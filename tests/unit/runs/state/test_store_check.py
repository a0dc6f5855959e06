import shutil

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import InputError, UsageError
from flightline.metadata.store import open_store, sqlite_config
from flightline.runs.state.store_check import require_store_of_artifacts


@pytest.fixture
def config(tmp_path):
    """A config whose store has two executions, the newer of which has made an artifact."""
    config = load_config(DEFAULT_CONFIG, overrides=[f"workspace={tmp_path}"])
    add_executions(config, 2)
    folder = tmp_path / "artifacts" / "Trainer" / "model" / "2"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text("model")
    return config


def add_executions(config, number):
    store = mlmd.MetadataStore(sqlite_config(config.metadata_db))
    kind = store.put_execution_type(pb.ExecutionType(name="Trainer"))
    store.put_executions([pb.Execution(type_id=kind) for _ in range(number)])


def test_the_store_of_the_artifacts_is_accepted(config):
    require_store_of_artifacts(config)


@pytest.mark.parametrize(("executions", "state"), [(0, "is missing or empty"), (1, "its newest execution is 1")])
def test_a_missing_or_older_store_is_refused_with_what_to_do(config, tmp_path, executions, state):
    config.metadata_db.rename(tmp_path / "moved.db")
    if executions:
        add_executions(config, executions)
    with pytest.raises(UsageError, match=state) as refused:
        require_store_of_artifacts(config)
    assert str(tmp_path / "artifacts" / "Trainer" / "model" / "2") in str(refused.value)
    assert "restore the store from a backup" in str(refused.value)
    assert config.metadata_db.exists() is bool(executions)


def test_an_empty_file_is_not_taken_for_a_new_store(config):
    config.metadata_db.write_bytes(b"")
    for read in (require_store_of_artifacts, open_store):
        with pytest.raises(InputError, match="0 bytes"):
            read(config)
    assert config.metadata_db.stat().st_size == 0


def test_an_empty_file_without_artifacts_is_what_a_failed_start_left(config, tmp_path):
    shutil.rmtree(tmp_path / "artifacts")
    config.metadata_db.write_bytes(b"")
    require_store_of_artifacts(config)
    assert not config.metadata_db.exists()


def test_an_empty_folder_of_a_killed_step_is_no_artifact(config, tmp_path):
    (tmp_path / "artifacts" / "Trainer" / "model" / "9").mkdir()
    require_store_of_artifacts(config)
