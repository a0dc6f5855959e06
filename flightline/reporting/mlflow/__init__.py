"""Telling MLflow of runs and releases, where `tracking.mlflow` names a store. Nothing here is loaded without one.

MLflow is told and not asked: ML Metadata stays the record. A store that cannot be reached costs a run one line.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from flightline.errors import summarize_error

if TYPE_CHECKING:
    from rich.console import Console

    from flightline.config.settings import Config


def track_finished_run(config: Config, run_id: str, console: Console) -> None:
    """Tells MLflow of a run that has ended, and says so; one that cannot be told of is said, and goes on."""
    if config.tracking.mlflow is None:
        return
    from flightline.reporting.mlflow.log_run import log_run
    from flightline.utils.terminal import escape

    try:
        console.print(f"[bold]Tracked[/]  {escape(str(log_run(config, run_id)))}", soft_wrap=True)
    except Exception as error:
        traceback.print_exc()
        console.print(escape(f"not tracked: {summarize_error(error)}"), style="yellow", soft_wrap=True)


def sync_champion_alias(config: Config, version: str) -> str | None:
    """Lets the alias `champion` of the registered model follow a release that became current.

    To be called after `CURRENT` was switched by hand: a promotion, a rollback.

    Returns:
        What to tell the user in one line, whether it went well or not; None where nothing is tracked.
    """
    if config.tracking.mlflow is None:
        return None
    from flightline.reporting.mlflow.connection import connect
    from flightline.reporting.mlflow.registry import set_champion_alias

    try:
        with connect(config) as client:
            number = set_champion_alias(client, config.name, version)
    except Exception as error:
        return f"MLflow was not told of release {version}: {summarize_error(error)}"
    return f"MLflow: {config.name}@champion is version {number}, release {version}"
