"""The connection to MLflow: imported when needed, with the timeouts of the config."""

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

UPLOAD_TIMEOUT_S = 300  # per file: a model may be large


@contextlib.contextmanager
def connect(config: Config) -> Iterator[MlflowClient]:
    """Connects MLflow's own functions and the client that it yields to the store of the config.

    Raises:
        UsageError: MLflow is not installed, or its store cannot be reached.
    """
    uri = config.tracking.uri(config.workspace)
    if uri is None:
        raise UsageError("tracking.mlflow names no store", "set it, such as --set tracking.mlflow=embedded")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # MLflow warns where git is not installed
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
    """The id of the pipeline's experiment; creates it where there is none."""
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
        todo = "start it, then log the run with `flightline track RUN`"
        raise UsageError(
            f"MLflow at {uri} cannot be reached: {summarize_error(_root_cause(error), 160)}", todo
        ) from error
    return client


def _root_cause(error: BaseException) -> BaseException:
    """The first error of the chain (connection refused, timeout); those above it only repeat the address."""
    cause = error.__cause__ or error.__context__
    return error if cause is None else _root_cause(cause)


@contextlib.contextmanager
def _request_timeout(seconds: int) -> Iterator[None]:
    """One try per request, and `seconds` for it, instead of MLflow's seven tries of two minutes each."""
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
    """Keeps MLflow's messages about created tables, registered versions and logging practice off the terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        # MLflow prints addresses of runs to stdout, which is for a command's own output.
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
