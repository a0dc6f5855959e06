"""The folder of a run, named by its id: everything that a run leaves beside its artifacts."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.run_ids import reserve
from pipeline.permissions import make_closed

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def first_part(run_id: str) -> str:
    """The id of the run that `r.2`, `r.3`, ... go on with: `r`."""
    return re.sub(r"\.\d+$", "", run_id)


def is_a_part_of(run_id: str, resumed: str) -> bool:
    """Whether a run is the one that is gone on with, or went on with it before."""
    return bool(resumed) and first_part(run_id) == first_part(resumed)


def new_run_folder(config: Config, asked: str | None, span: str = "") -> Path:
    """A new folder, named by the run's id: the one asked for, or one made of the time and the name of the span.

    Raises:
        UsageError: the id asked for is taken or not one, or the workspace cannot be written.
    """
    of_span = f"-span-{span.replace(' version ', '-v')}" if span else ""
    run_id = asked or f"{datetime.datetime.now():%Y%m%d-%H%M%S}{of_span}"
    if not RUN_ID.fullmatch(run_id):
        raise UsageError(f"--run-id {run_id!r} is not a name of letters, digits, `.`, `_` and `-`")
    for attempt in [run_id] if asked else [run_id, *(f"{run_id}-{number}" for number in range(2, 100))]:
        folder = config.run_folder(attempt)
        try:
            make_closed(config.workspace)
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            todo = "mend `workspace` in the config, or its permissions"
            raise UsageError(f"the workspace {config.workspace} cannot be written: {error}", todo) from error
        if _is_ours(config, attempt, folder):
            return folder
    raise UsageError(f"there is a run {run_id} already", "give another --run-id, or none")


def _is_ours(config: Config, run_id: str, folder: Path) -> bool:
    """Whether no other workspace has a run of this name in the same store; its new folder is gone where one has."""
    ours = False
    try:
        ours = reserve(config, run_id)
    finally:
        if not ours:
            folder.rmdir()
    return ours
