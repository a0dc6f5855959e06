"""Telling MLflow of runs and releases, where `tracking.mlflow` names a store. Nothing here is loaded without one.

MLflow is told and not asked: ML Metadata stays the record. A store that cannot be reached costs a run one line.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from pipeline.errors import in_one_line

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.config import Config


def after_run(config: Config, run_id: str, console: Console) -> None:
    """Tells MLflow of a run that has ended, and says so; one that cannot be told of is said, and goes on."""
    if config.tracking.mlflow is None:
        return
    from pipeline.shown import escape
    from pipeline.tracking.runs import track

    try:
        console.print(f"[bold]Tracked[/]  {escape(str(track(config, run_id)))}", soft_wrap=True)
    except Exception as error:
        traceback.print_exc()
        console.print(escape(f"not tracked: {in_one_line(error)}"), style="yellow", soft_wrap=True)


def follow_release(config: Config, version: str) -> str | None:
    """Lets the alias `champion` of the registered model follow a release that became current.

    To be called after `CURRENT` was switched by hand: a promotion, a rollback.

    Returns:
        What to tell the user in one line, whether it went well or not; None where nothing is tracked.
    """
    if config.tracking.mlflow is None:
        return None
    from pipeline.tracking.registry import move_champion
    from pipeline.tracking.store import connected

    try:
        with connected(config) as client:
            number = move_champion(client, config.name, version)
    except Exception as error:
        return f"MLflow was not told of release {version}: {in_one_line(error)}"
    return f"MLflow: {config.name}@champion is version {number}, release {version}"
