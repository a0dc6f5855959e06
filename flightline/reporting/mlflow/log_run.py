"""Logs a run to MLflow: its settings, metrics and report, and its model where it was released."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.store import save_run_properties
from flightline.releases.release import current_version
from flightline.reporting.html.collect import collect_report
from flightline.reporting.html.data import REPORT_HTML, REPORT_JSON, ReportData
from flightline.reporting.mlflow.connection import connect, experiment_id
from flightline.reporting.mlflow.payload import run_metrics, run_params, run_status, run_tags
from flightline.reporting.mlflow.registry import register_release, set_champion_alias
from flightline.reporting.summary import SUMMARY_JSON

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
MLFLOW_RUN_ID_PROPERTY, MLFLOW_STORE_PROPERTY = "mlflow_run_id", "mlflow_store"  # properties of the run in ML Metadata
COMPLETE_TAG = "flightline.complete"  # tag of a run that was logged completely
LOGGED_FILES = (REPORT_HTML, REPORT_JSON, SUMMARY_JSON, "config.yaml", "timings.json")
_PARAMS_PER_REQUEST, _METRICS_PER_REQUEST = 100, 1000


@dataclass(frozen=True)
class TrackedRun:
    """A run in MLflow.

    Attributes:
        run_id: MLflow's id of the run.
        store: address of the MLflow store.
        model: name of the registered model.
        version: its version that this run released; None where it released none.
        champion: whether the alias `champion` points at this version.
    """

    run_id: str
    store: str
    model: str
    version: str | None
    champion: bool

    def __str__(self) -> str:
        alias = f", and {self.model}@champion" if self.champion else ""
        released = f"; model {self.model} version {self.version}{alias}" if self.version else ""
        return f"run {self.run_id} at {self.store}{released}"


def log_run(config: Config, run_id: str) -> TrackedRun:
    """Logs a run that has ended; where MLflow has it already, only the missing parts.

    Raises:
        UsageError: there is no such run, it belongs to another pipeline, MLflow is not installed, or its store
            cannot be reached.
        mlflow.exceptions.MlflowException: the store rejected a request.
    """
    runs = Runs.open(config)
    run = runs.get_in_pipeline(run_id)
    with connect(config) as client:
        store = str(client.tracking_uri)
        mlflow_run = _find_complete_run(client, run, store)
        data = None
        if mlflow_run is None:
            data = collect_report(config, runs, run)
            mlflow_run = _create_run(client, config, data)
            save_run_properties(
                runs.store, run.run_id, {MLFLOW_RUN_ID_PROPERTY: mlflow_run, MLFLOW_STORE_PROPERTY: store}
            )
        with _mark_failed_on_error(client, mlflow_run, data):
            if data is not None:
                _log_run_data(client, mlflow_run, data, config.run_folder(run.run_id))
            version = _ensure_registered(client, config, run, mlflow_run)
        if data is not None:
            client.set_tag(mlflow_run, COMPLETE_TAG, "yes")
            client.set_terminated(mlflow_run, run_status(data), end_time=data.started + round(data.seconds * 1000))
        champion = version is not None and current_version(config.releases) == Path(run.pushed or "").name
        if champion:
            set_champion_alias(client, config.name, Path(run.pushed or "").name)
    return TrackedRun(mlflow_run, store, config.name, version, champion)


def _find_complete_run(client: MlflowClient, run: Run, store: str) -> str | None:
    """MLflow's id of a run that this store has completely; None where the run must be logged."""
    known = run.properties.get(MLFLOW_RUN_ID_PROPERTY)
    if not known or run.properties.get(MLFLOW_STORE_PROPERTY) != store:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(known)
    except MlflowException:  # another store at the same address, or the run was deleted for good
        return None
    complete = found.data.tags.get(COMPLETE_TAG) == "yes" and found.info.lifecycle_stage == "active"
    return str(known) if complete else None


def _create_run(client: MlflowClient, config: Config, data: ReportData) -> str:
    experiment = experiment_id(client, config)
    created = client.create_run(experiment, start_time=data.started, tags=run_tags(data), run_name=data.run_id)
    return str(created.info.run_id)


def _log_run_data(client: MlflowClient, run_id: str, data: ReportData, folder: Path) -> None:
    from mlflow.entities import Metric, Param

    ended = data.started + round(data.seconds * 1000)
    metrics = [Metric(found.name, found.value, ended, found.step) for found in run_metrics(data)]
    params = [Param(name, value) for name, value in run_params(data).items()]
    for param_batch in _batches(params, _PARAMS_PER_REQUEST):
        client.log_batch(run_id, params=param_batch)
    for metric_batch in _batches(metrics, _METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics=metric_batch)
    for name in LOGGED_FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))


def _ensure_registered(client: MlflowClient, config: Config, run: Run, mlflow_run: str) -> str | None:
    """The registered version of the run's release, which is registered where it is not; None without a release."""
    release = Path(run.pushed) if run.pushed else None
    if release is None or not (release / "saved_model.pb").is_file():
        return None
    run_config = config.run_folder(run.run_id) / "config.yaml"
    features = load_config(run_config).features if run_config.is_file() else config.features
    return register_release(client, config, run, features, mlflow_run, release)


@contextlib.contextmanager
def _mark_failed_on_error(client: MlflowClient, run_id: str, data: ReportData | None) -> Iterator[None]:
    """Marks a run that was logged in part as failed, so that MLflow does not show it as running."""
    try:
        yield
    except Exception:
        if data is not None:
            with contextlib.suppress(Exception):  # the store itself may have failed
                client.set_terminated(run_id, "FAILED")
        raise


def _batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
