"""A run in MLflow: its settings, what was measured, its report, and the model where it was released."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.config import Config
from pipeline.config_file import load_config
from pipeline.metadata.run import Run
from pipeline.metadata.runs import Runs
from pipeline.metadata.store import keep_about
from pipeline.releases import current_version
from pipeline.report.collect import collect
from pipeline.report.data import REPORT_HTML, REPORT_JSON, ReportData
from pipeline.summary import SUMMARY
from pipeline.tracking.facts import metrics_of, params_of, status_of, tags_of
from pipeline.tracking.registry import move_champion, register
from pipeline.tracking.store import connected, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
RUN_ID, STORE = "mlflow_run_id", "mlflow_store"  # what ML Metadata keeps with the run
TOLD = "flightline.told"  # the tag that says that MLflow was told everything
FILES = (REPORT_HTML, REPORT_JSON, SUMMARY, "config.yaml", "timings.json")
_PARAMS, _METRICS = 100, 1000  # in one request


@dataclass(frozen=True)
class Tracked:
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


def track(config: Config, run_id: str) -> Tracked:
    """Tells MLflow of a run that has ended; of one that it knows already, only what it lacks.

    Raises:
        UsageError: there is no such run, it is another pipeline's, MLflow is not installed, or its store cannot be
            reached.
        mlflow.exceptions.MlflowException: the store refused something.
    """
    runs = Runs.open(config)
    run = runs.get_own(run_id)
    with connected(config) as client:
        store = str(client.tracking_uri)
        told = _told(client, run, store)
        data = None
        if told is None:
            data = collect(config, runs, run)
            told = _begin(client, config, data)
            keep_about(runs.store, run.run_id, {RUN_ID: told, STORE: store})
        with _marked_where_it_fails(client, told, data):
            if data is not None:
                _tell(client, told, data, config.run_folder(run.run_id))
            version = _released(client, config, run, told)
        if data is not None:
            client.set_tag(told, TOLD, "yes")
            client.set_terminated(told, status_of(data), end_time=data.started + round(data.seconds * 1000))
        champion = version is not None and current_version(config.releases) == Path(run.pushed or "").name
        if champion:
            move_champion(client, config.name, Path(run.pushed or "").name)
    return Tracked(told, store, config.name, version, champion)


def _told(client: MlflowClient, run: Run, store: str) -> str | None:
    """MLflow's id of a run that this store was told of, whole; None where it has to be told."""
    known = run.about.get(RUN_ID)
    if not known or run.about.get(STORE) != store:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(known)
    except MlflowException:  # another store by the same name, or somebody deleted it for good
        return None
    whole = found.data.tags.get(TOLD) == "yes" and found.info.lifecycle_stage == "active"
    return str(known) if whole else None


def _begin(client: MlflowClient, config: Config, data: ReportData) -> str:
    experiment = experiment_id(client, config)
    created = client.create_run(experiment, start_time=data.started, tags=tags_of(data), run_name=data.run_id)
    return str(created.info.run_id)


def _tell(client: MlflowClient, run_id: str, data: ReportData, folder: Path) -> None:
    from mlflow.entities import Metric, Param

    when = data.started + round(data.seconds * 1000)
    metrics = [Metric(found.name, found.value, when, found.step) for found in metrics_of(data)]
    params = [Param(name, value) for name, value in params_of(data).items()]
    for some in _batches(params, _PARAMS):
        client.log_batch(run_id, params=some)
    for more in _batches(metrics, _METRICS):
        client.log_batch(run_id, metrics=more)
    for name in FILES:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))


def _released(client: MlflowClient, config: Config, run: Run, mlflow_run: str) -> str | None:
    """The version in MLflow's registry of the release that the run made; registered where it is not."""
    release = Path(run.pushed) if run.pushed else None
    if release is None or not (release / "saved_model.pb").is_file():
        return None
    own = config.run_folder(run.run_id) / "config.yaml"
    features = load_config(own).features if own.is_file() else config.features
    return register(client, config, run, features, mlflow_run, release)


@contextlib.contextmanager
def _marked_where_it_fails(client: MlflowClient, run_id: str, data: ReportData | None) -> Iterator[None]:
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
