"""A real run in MLflow: a real store, MLflow's client, and the model loaded by MLflow."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from flightline.config.loader import load_config
from flightline.metadata.runs import Runs
from flightline.releases.release import CURRENT_FILE
from flightline.reporting import mlflow as tracking
from flightline.reporting.mlflow.log_run import log_run
from flightline.utils.files import atomic_write


@pytest.fixture(scope="module")
def config(trained, tmp_path_factory):
    store = tmp_path_factory.mktemp("tracking") / "store.db"
    return load_config(trained.folder / "config.yaml", [f"tracking.mlflow=sqlite:///{store}"])


@pytest.fixture(scope="module")
def tracked(config):
    return log_run(config, "first")


@pytest.fixture(scope="module")
def client(tracked):
    return MlflowClient(tracked.store, tracked.store)


@pytest.fixture
def rows(flights_sample):
    """Raw rows of flights that departed: the schema requires their delay."""
    rows = pd.read_csv(flights_sample / "span-01" / "flights.csv")
    return rows[rows["dep_delay"].notna()].head(40)


@pytest.fixture(scope="module")
def champion(tracked):
    """The model loaded from MLflow by its alias."""
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(tracked.store)
    mlflow.set_registry_uri(tracked.store)
    yield mlflow.pyfunc.load_model("models:/flights@champion")
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


def test_settings_and_metrics_of_every_slice_are_logged(trained, tracked, client):
    found = client.get_run(tracked.run_id)
    evaluation = trained.summary["evaluation"]["metrics"]
    assert found.data.params["train.epochs"] == "2"
    assert found.data.metrics["auc"] == evaluation["overall"]["auc"]
    for name, measured in evaluation.items():
        if name != "overall":
            assert found.data.metrics[f"{name.replace('=', ':')}/auc"] == measured["auc"]
    assert found.data.metrics["rows/read"] == trained.summary["rows"]["read"]
    assert len(client.get_metric_history(tracked.run_id, "training/loss")) > 1
    assert found.info.status == "FINISHED"


def test_report_is_an_artifact_of_the_run(trained, tracked, client, tmp_path):
    page = client.download_artifacts(tracked.run_id, "report.html", str(tmp_path))
    assert Path(page).read_text() == (trained.folder / "report.html").read_text()


def test_mlflow_and_ml_metadata_have_the_ids_of_each_other(trained, tracked, client):
    assert client.get_run(tracked.run_id).data.tags["tfx.run_id"] == "first"
    about = Runs.open(trained.workspace / "metadata.db").get("first").properties
    assert about["mlflow_run_id"] == tracked.run_id
    assert about["mlflow_store"] == tracked.store


def test_release_is_registered_as_champion(trained, tracked, client):
    version = client.get_model_version_by_alias("flights", "champion")
    assert str(version.version) == tracked.version
    assert version.tags["release"] == trained.current
    assert version.run_id == tracked.run_id


def test_logging_a_run_again_adds_nothing(config, tracked, client):
    assert log_run(config, "first") == tracked
    assert len(client.search_runs([client.get_experiment_by_name("flights").experiment_id])) == 1
    assert len(client.search_model_versions("name='flights'")) == 1


def test_model_from_mlflow_predicts_as_the_release_does(champion, rows, trained):
    import tensorflow as tf

    predictions = champion.predict(rows)
    assert list(predictions.columns) == ["probabilities"]
    assert len(predictions) == len(rows)
    serve = tf.saved_model.load(str(trained.workspace / "releases" / "flights" / trained.current)).signatures
    examples = [champion.unwrap_python_model()._example(row) for row in rows[_columns(champion)].to_dict("records")]
    direct = serve["serving_default"](examples=tf.constant(examples))["probabilities"].numpy()[:, 0]
    np.testing.assert_allclose(predictions["probabilities"], direct, rtol=1e-6)
    assert predictions["probabilities"].std() > 0.01


def _columns(model):
    return [column.name for column in model.metadata.signature.inputs.inputs]


def test_model_from_mlflow_accepts_missing_values_and_rejects_wrong_types(champion, rows):
    some = rows.assign(temp=np.nan, wind_gust=None).drop(columns=["late"])
    assert champion.predict(some)["probabilities"].notna().all()
    with pytest.raises(Exception, match="missing inputs"):
        champion.predict(rows.drop(columns=["dep_delay", "month"]))
    with pytest.raises(ValueError, match=r"column month takes int, not 1\.5"):
        champion.predict(rows.assign(month=1.5))


def test_alias_follows_a_rollback(config, client, tracked, trained):
    """Registers an earlier release and makes it the current one, as a rollback does."""
    earlier = client.create_model_version("flights", source=f"runs:/{tracked.run_id}/model", run_id=tracked.run_id)
    client.set_model_version_tag("flights", earlier.version, "release", "7")
    assert (
        tracking.sync_champion_alias(config, "7") == f"MLflow: flights@champion is version {earlier.version}, release 7"
    )
    assert client.get_model_version_by_alias("flights", "champion").version == earlier.version
    atomic_write(config.releases / CURRENT_FILE, "7\n")
    try:
        assert not log_run(config, "first").champion
        assert client.get_model_version_by_alias("flights", "champion").version == earlier.version
    finally:
        atomic_write(config.releases / CURRENT_FILE, f"{trained.current}\n")
    assert log_run(config, "first").champion
    assert str(client.get_model_version_by_alias("flights", "champion").version) == tracked.version
