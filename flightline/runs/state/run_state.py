"""Where a run stands: under way, killed, or ended with a summary."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.metadata.run import Run
from flightline.metadata.run_ids import AUXILIARY_SUFFIXES
from flightline.utils.file_lock import IN_USE_LOCK, LockHolder, find_lock_holder


def active_holder(config: Config, run: Run) -> LockHolder | None:
    """Who works at a run right now, as far as this workspace knows; None where nobody does."""
    beside = run.pipeline.endswith(AUXILIARY_SUFFIXES)
    holder = (
        find_lock_holder(config.run_folder(run.run_id), IN_USE_LOCK)
        if beside
        else find_lock_holder(config.workspace, run.pipeline)
    )
    started_before = holder is not None and holder.since <= run.started_ms / 1000  # and not for a run after it
    return holder if started_before else None


def was_killed(config: Config, run: Run) -> bool:
    """Whether a run of this workspace is on record as being at work, and nobody is at it."""
    return run.state == "RUNNING" and config.run_folder(run.run_id).is_dir() and active_holder(config, run) is None
