"""The connection to MLflow: loaded when it is needed, no longer waited for than the config allows."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flightline.config.settings import Config
from flightline.errors import UsageError, summarize_error

if TYPE_CHECKING:
    from mlflow import MlflowClient

UPLOAD_TIMEOUT_S = 300  # of one file: a model may be large


@contextlib.contextmanager
def connect(config: Config) -> Iterator[MlflowClient]:
    """While entered, MLflow's own functions and the client that is yielded talk to the config's store.

    Raises:
        UsageError: MLflow is not installed, or its store cannot be reached.
    """
    uri = config.tracking.uri(config.workspace)
    if uri is None:
        raise UsageError("tracking.mlflow names no store", "set it, such as --set tracking.mlflow=embedded")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # MLflow asks for git; without one it would complain
    try:
        import mlflow
    except ImportError as error:
        todo = "install it: pip install 'flightline[mlflow]'"
        raise UsageError(f"tracking.mlflow is set, and MLflow cannot be imported ({error})", todo) from error
    with _request_timeout(config.tracking.timeout_s), _silence_mlflow():
        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        try:
            yield _open_client(uri)
        finally:
            mlflow.set_tracking_uri(before[0])
            mlflow.set_registry_uri(before[1])


def experiment_id(client: MlflowClient, config: Config) -> str:
    """The experiment of the pipeline; made where there is none."""
    known = client.get_experiment_by_name(config.name)
    if known is None:
        artifacts = config.tracking.artifacts(config.workspace)
        return str(client.create_experiment(config.name, artifact_location=artifacts))
    if known.lifecycle_stage != "active":
        todo = "restore it in MLflow, or delete it for good (`mlflow gc`)"
        raise UsageError(f"MLflow's experiment {config.name} was deleted", todo)
    return str(known.experiment_id)


def _open_client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    try:
        client = MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
    except Exception as error:
        todo = "see that it runs; `flightline track RUN` tells it afterwards"
        raise UsageError(
            f"MLflow at {uri} cannot be reached: {summarize_error(_root_cause(error), 160)}", todo
        ) from error
    return client


def _root_cause(error: BaseException) -> BaseException:
    """What happened at the bottom: refused, timed out. What was raised over it repeats the address five times."""
    below = error.__cause__ or error.__context__
    return error if below is None else _root_cause(below)


@contextlib.contextmanager
def _request_timeout(seconds: int) -> Iterator[None]:
    """One try and so many seconds a request, instead of MLflow's seven tries of two minutes each."""
    from mlflow import environment_variables as settings

    wanted: dict[Any, Any] = {
        settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES: 0,
        settings.MLFLOW_HTTP_REQUEST_TIMEOUT: seconds,
        settings.MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT: UPLOAD_TIMEOUT_S,
        settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: False,
        settings.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: True,
    }
    before = {setting: setting.get_raw() for setting in wanted if setting.is_set()}
    for setting, value in wanted.items():
        setting.set(value)
    try:
        yield
    finally:
        for setting in wanted:
            setting.unset()
            if setting in before:
                setting.set(before[setting])


@contextlib.contextmanager
def _silence_mlflow() -> Iterator[None]:
    """Tables made, versions registered and advice on how to log a model are no news on a terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        # MLflow prints addresses of runs to stdout, which is for what was asked for.
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
