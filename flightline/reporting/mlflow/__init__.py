"""Logs runs and releases to MLflow, where `tracking.mlflow` names a store. MLflow is imported only then.

Data flows to MLflow only: ML Metadata stays the record. Where MLflow cannot be reached, the run goes on and prints one
warning.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from flightline.errors import summarize_error

if TYPE_CHECKING:
    from rich.console import Console

    from flightline.config.settings import Config


def track_finished_run(config: Config, run_id: str, console: Console) -> None:
    """Logs a run that has ended to MLflow, and prints where; a failure is printed as a warning and does not raise."""
    if config.tracking.mlflow is None:
        return
    from flightline.reporting.mlflow.log_run import log_run
    from flightline.utils.terminal import escape

    try:
        console.print(f"[bold]MLflow[/]   {escape(str(log_run(config, run_id)))}", soft_wrap=True)
    except Exception as error:
        traceback.print_exc()
        console.print(escape(f"not logged to MLflow: {summarize_error(error)}"), style="yellow", soft_wrap=True)


def sync_champion_alias(config: Config, version: str) -> str | None:
    """Moves the alias `champion` of the registered model to a release that has become current.

    Call it after a promotion or a rollback.

    Returns:
        A line for the user about the success or the failure; None where the config names no MLflow store.
    """
    if config.tracking.mlflow is None:
        return None
    from flightline.reporting.mlflow.connection import connect
    from flightline.reporting.mlflow.registry import set_champion_alias

    try:
        with connect(config) as client:
            number = set_champion_alias(client, config.name, version)
    except Exception as error:
        return f"MLflow: the alias champion was not moved to release {version}: {summarize_error(error)}"
    return f"MLflow: {config.name}@champion is version {number}, release {version}"
