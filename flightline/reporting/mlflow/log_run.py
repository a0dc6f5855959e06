"""A run in MLflow: its settings, what was measured, its report, and the model where it was released."""

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
from flightline.releases.registry import current_version
from flightline.reporting.html.collect import collect_report
from flightline.reporting.html.data import REPORT_HTML, REPORT_JSON, ReportData
from flightline.reporting.mlflow.connection import connect, experiment_id
from flightline.reporting.mlflow.payload import run_metrics, run_params, run_status, run_tags
from flightline.reporting.mlflow.registry import register_release, set_champion_alias
from flightline.reporting.summary import SUMMARY_JSON

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
MLFLOW_RUN_ID_PROPERTY, MLFLOW_STORE_PROPERTY = "mlflow_run_id", "mlflow_store"  # what ML Metadata keeps with the run
COMPLETE_TAG = "flightline.told"  # the tag that says that MLflow was told everything
LOGGED_FILES = (REPORT_HTML, REPORT_JSON, SUMMARY_JSON, "config.yaml", "timings.json")
_PARAMS_PER_REQUEST, _METRICS_PER_REQUEST = 100, 1000  # in one request


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow has it.

    Attributes:
        run_id: MLflow's; store: its address.
        model: the registered model; version: which of it this run released, None where it released none.
        champion: whether the alias `champion` is at this version.
    """

    run_id: str
    store: str
    model: str
    version: str | None
    champion: bool

    def __str__(self) -> str:
        alias = f", and {self.model}@champion" if self.champion else ""
        released = f"; model {self.model} version {self.version}{alias}" if self.version else ""
        return f"MLflow run {self.run_id} at {self.store}{released}"


def log_run(config: Config, run_id: str) -> TrackedRun:
    """Tells MLflow of a run that has ended; of one that it knows already, only what it lacks.

    Raises:
        UsageError: there is no such run, it is another pipeline's, MLflow is not installed, or its store cannot be
            reached.
        mlflow.exceptions.MlflowException: the store refused something.
    """
    runs = Runs.open(config)
    run = runs.get_in_pipeline(run_id)
    with connect(config) as client:
        store = str(client.tracking_uri)
        told = _find_complete_run(client, run, store)
        data = None
        if told is None:
            data = collect_report(config, runs, run)
            told = _create_run(client, config, data)
            save_run_properties(runs.store, run.run_id, {MLFLOW_RUN_ID_PROPERTY: told, MLFLOW_STORE_PROPERTY: store})
        with _mark_failed_on_error(client, told, data):
            if data is not None:
                _log_run_data(client, told, data, config.run_folder(run.run_id))
            version = _ensure_registered(client, config, run, told)
        if data is not None:
            client.set_tag(told, COMPLETE_TAG, "yes")
            client.set_terminated(told, run_status(data), end_time=data.started + round(data.seconds * 1000))
        champion = version is not None and current_version(config.releases) == Path(run.pushed or "").name
        if champion:
            set_champion_alias(client, config.name, Path(run.pushed or "").name)
    return TrackedRun(told, store, config.name, version, champion)


def _find_complete_run(client: MlflowClient, run: Run, store: str) -> str | None:
    """MLflow's id of a run that this store was told of, whole; None where it has to be told."""
    known = run.about.get(MLFLOW_RUN_ID_PROPERTY)
    if not known or run.about.get(MLFLOW_STORE_PROPERTY) != store:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(known)
    except MlflowException:  # another store by the same name, or somebody deleted it for good
        return None
    whole = found.data.tags.get(COMPLETE_TAG) == "yes" and found.info.lifecycle_stage == "active"
    return str(known) if whole else None


def _create_run(client: MlflowClient, config: Config, data: ReportData) -> str:
    experiment = experiment_id(client, config)
    created = client.create_run(experiment, start_time=data.started, tags=run_tags(data), run_name=data.run_id)
    return str(created.info.run_id)


def _log_run_data(client: MlflowClient, run_id: str, data: ReportData, folder: Path) -> None:
    from mlflow.entities import Metric, Param

    when = data.started + round(data.seconds * 1000)
    metrics = [Metric(found.name, found.value, when, found.step) for found in run_metrics(data)]
    params = [Param(name, value) for name, value in run_params(data).items()]
    for some in _batches(params, _PARAMS_PER_REQUEST):
        client.log_batch(run_id, params=some)
    for more in _batches(metrics, _METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics=more)
    for name in LOGGED_FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))


def _ensure_registered(client: MlflowClient, config: Config, run: Run, mlflow_run: str) -> str | None:
    """The version in MLflow's registry of the release that the run made; registered where it is not."""
    release = Path(run.pushed) if run.pushed else None
    if release is None or not (release / "saved_model.pb").is_file():
        return None
    own = config.run_folder(run.run_id) / "config.yaml"
    features = load_config(own).features if own.is_file() else config.features
    return register_release(client, config, run, features, mlflow_run, release)


@contextlib.contextmanager
def _mark_failed_on_error(client: MlflowClient, run_id: str, data: ReportData | None) -> Iterator[None]:
    """A run that MLflow was told half of is not left as one that goes on."""
    try:
        yield
    except Exception:
        if data is not None:
            with contextlib.suppress(Exception):  # the store may be what failed
                client.set_terminated(run_id, "FAILED")
        raise


def _batches(items: Iterable[T], most: int) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some
