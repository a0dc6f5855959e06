import pytest
from pydantic import ValidationError

from flightline.config.tracking import TrackingConfig


def test_tracking_is_off_by_default(tmp_path):
    settings = TrackingConfig()
    assert settings.uri(tmp_path) is None
    assert settings.artifacts(tmp_path) is None


def test_the_embedded_store_is_a_file_in_the_workspace(tmp_path):
    settings = TrackingConfig(mlflow="embedded")
    assert settings.uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.artifacts(tmp_path) == f"file://{tmp_path}/mlflow-artifacts"


def test_a_sqlite_path_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = TrackingConfig(mlflow="sqlite:///some/store.db")
    assert settings.uri(tmp_path / "workspace") == f"sqlite:///{tmp_path}/some/store.db"
    assert settings.artifacts(tmp_path / "workspace") == f"file://{tmp_path}/some/store-artifacts"


def test_a_server_chooses_its_own_artifact_location(tmp_path):
    settings = TrackingConfig(mlflow="https://mlflow.example:5000")
    assert settings.uri(tmp_path) == "https://mlflow.example:5000"
    assert settings.artifacts(tmp_path) is None


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("file:///tmp/runs", "no stores of plain files"),
        ("workspace/mlflow", "a store is"),
        ("sqlite:///", "a store is"),
        ("http://", "a store is"),
        ("postgresql://host/db", "a store is"),
        ("http://me:secret@host", "MLFLOW_TRACKING_PASSWORD"),
    ],
)
def test_an_invalid_store_is_refused_with_the_valid_forms(uri, message):
    with pytest.raises(ValidationError, match=message):
        TrackingConfig(mlflow=uri)
