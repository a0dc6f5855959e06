"""Where a run stands: under way, killed, or ended with a summary."""

from __future__ import annotations

import json

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.run import Run
from pipeline.metadata.run_ids import BESIDE
from pipeline.run_lock import IN_USE, Holder, at_work
from pipeline.summary import SUMMARY, Summary


def read_summary(config: Config, run: Run) -> Summary | None:
    """The summary that the run left; None where it left none.

    Raises:
        UsageError: what it left is not a summary.
    """
    path = config.run_folder(run.run_id) / SUMMARY
    try:
        return Summary.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a run's summary: {error}", "run again, or restore the file") from error


def at_it(config: Config, run: Run) -> Holder | None:
    """Who works at a run right now, as far as this workspace knows; None where nobody does."""
    beside = run.pipeline.endswith(BESIDE)
    holder = at_work(config.run_folder(run.run_id), IN_USE) if beside else at_work(config.workspace, run.pipeline)
    began_before = holder is not None and holder.since <= run.started / 1000  # and not for a run after it
    return holder if began_before else None


def was_killed(config: Config, run: Run) -> bool:
    """Whether a run of this workspace is on record as being at work, and nobody is at it."""
    return run.state == "RUNNING" and config.run_folder(run.run_id).is_dir() and at_it(config, run) is None
