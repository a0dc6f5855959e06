"""The folder of a run, named by its id: everything that a run writes except its artifacts."""

from __future__ import annotations

import contextlib
import datetime
import errno
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from flightline.config.loader import dump_config
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.run_ids import reserve_run_id
from flightline.utils.files import atomic_write, fsync_folder, make_private_folder

RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CONFIG_FILE = "config.yaml"  # in a run's folder: the run's config
_STARTING_PREFIX = ".starting-"  # in the workspace: a run's folder before it is moved into place
_STALE_START_AGE_S = 3600.0


def create_run_folder(
    config: Config, requested_id: str | None, span: str = "", files: Mapping[str, str] | None = None
) -> Path:
    """Create a run's folder, with the config and `files` in it.

    The folder appears complete or not at all: if the process is killed, the id stays free.

    Args:
        requested_id: the run's id; None to make one from the time and the span.
        span: the span's name; empty without one.
        files: name → text.

    Raises:
        UsageError: the id is in use or malformed, or the workspace cannot be written.
    """
    suffix = f"-span-{span.replace(' version ', '-v')}" if span else ""
    run_id = requested_id or f"{datetime.datetime.now():%Y%m%d-%H%M%S}{suffix}"
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise UsageError(
            f"--run-id {run_id!r} is not a run id",
            "use up to 100 letters, digits, `.`, `_` and `-`; start with a letter or digit",
        )
    draft = config.workspace / f"{_STARTING_PREFIX}{uuid.uuid4().hex}"
    try:
        _remove_stale_starts(config.workspace)
        _write_files({CONFIG_FILE: dump_config(config), **(files or {})}, draft)
        for attempt in [run_id] if requested_id else [run_id, *(f"{run_id}-{number}" for number in range(2, 100))]:
            folder = config.run_folder(attempt)
            if _move_into_place(draft, folder) and _reserve_run_id(config, attempt, folder, draft):
                return folder
    except OSError as error:
        fix = "free disk space, or fix `workspace` in the config or the folder's permissions"
        raise UsageError(f"the workspace {config.workspace} cannot be written: {error}", fix) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    raise UsageError(f"the run {run_id} already exists", "choose another --run-id, or leave it out")


def _write_files(files: Mapping[str, str], folder: Path) -> None:
    make_private_folder(folder.parent)
    folder.mkdir()
    for name, text in files.items():
        atomic_write(folder / name, text)


def _move_into_place(draft: Path, folder: Path) -> bool:
    """Move the folder into place; return False if one that is not empty is there."""
    folder.parent.mkdir(exist_ok=True)
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    with contextlib.suppress(OSError):  # not supported by some filesystems, which write the name a little later
        fsync_folder(folder.parent)
    return True


def _reserve_run_id(config: Config, run_id: str, folder: Path, draft: Path) -> bool:
    """Reserve the run id in the metadata store; return False, and move the folder back, if another workspace has it."""
    reserved = False
    try:
        reserved = reserve_run_id(config, run_id)
    finally:
        if not reserved:
            folder.rename(draft)
    return reserved


def _remove_stale_starts(workspace: Path) -> None:
    """Remove the drafts of processes that were killed; others exist for moments only."""
    for draft in workspace.glob(f"{_STARTING_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > _STALE_START_AGE_S:
                shutil.rmtree(draft, ignore_errors=True)
