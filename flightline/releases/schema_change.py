"""A change of the curated schema that was accepted: completed by the next run or command, if its process was killed."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.releases.pending_change import complete_change
from flightline.utils.file_lock import hold_lock

SCHEMA_CHANGE_FILE = "schema.change"  # in the workspace, while a change is being made
SCHEMA_LOCK = "schema"


def finish_interrupted_schema_change(config: Config) -> None:
    """Complete a change that a killed `flightline schema accept` had begun, if there is one."""
    journal = config.workspace / SCHEMA_CHANGE_FILE
    if journal.is_file():
        with hold_lock(config.workspace, SCHEMA_LOCK, "schema accept", wait_s=5.0):
            complete_change(journal)
