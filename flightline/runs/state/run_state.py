"""The state of a run: active, killed, or ended with a summary."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.metadata.run import Run
from flightline.metadata.run_ids import AUXILIARY_SUFFIXES
from flightline.utils.file_lock import IN_USE_LOCK, LockHolder, find_lock_holder


def active_holder(config: Config, run: Run) -> LockHolder | None:
    """Return the process that executes a run, as far as this workspace's locks show; None without one."""
    auxiliary = run.pipeline.endswith(AUXILIARY_SUFFIXES)
    holder = (
        find_lock_holder(config.run_folder(run.run_id), IN_USE_LOCK)
        if auxiliary
        else find_lock_holder(config.workspace, run.pipeline)
    )
    # A holder that started later executes a later run.
    return holder if holder is not None and holder.since <= run.started_ms / 1000 else None


def was_killed(config: Config, run: Run) -> bool:
    """Whether ML Metadata has a run of this workspace as RUNNING, but no process executes it."""
    return run.state == "RUNNING" and config.run_folder(run.run_id).is_dir() and active_holder(config, run) is None
