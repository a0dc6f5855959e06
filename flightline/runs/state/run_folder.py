"""The folder of a run, named by its id: everything that a run leaves beside its artifacts."""

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
CONFIG_FILE = "config.yaml"  # in a run's folder: the config that it runs with
_STARTING_PREFIX = ".starting-"  # in the workspace: a run's folder before it is there
_STALE_START_AGE_S = 3600.0


def create_run_folder(
    config: Config, asked: str | None, span: str = "", about: Mapping[str, str] | None = None
) -> Path:
    """A new folder, named by the run's id: the one asked for, or one made of the time and the name of the span.

    It appears with the config and the files of `about` (name: text) in it, or not at all: a start that is killed
    leaves no run that lacks them, and its name free.

    Raises:
        UsageError: the id asked for is taken or not one, or the workspace cannot be written.
    """
    of_span = f"-span-{span.replace(' version ', '-v')}" if span else ""
    run_id = asked or f"{datetime.datetime.now():%Y%m%d-%H%M%S}{of_span}"
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise UsageError(f"--run-id {run_id!r} is not a name of letters, digits, `.`, `_` and `-`")
    aside = config.workspace / f"{_STARTING_PREFIX}{uuid.uuid4().hex}"
    try:
        _remove_stale_starts(config.workspace)
        _write_files({CONFIG_FILE: dump_config(config), **(about or {})}, aside)
        for attempt in [run_id] if asked else [run_id, *(f"{run_id}-{number}" for number in range(2, 100))]:
            folder = config.run_folder(attempt)
            if _move_into_place(aside, folder) and _reserve_run_id(config, attempt, folder, aside):
                return folder
    except OSError as error:
        todo = "make room in it, or mend `workspace` in the config or its permissions"
        raise UsageError(f"the workspace {config.workspace} cannot be written: {error}", todo) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    raise UsageError(f"there is a run {run_id} already", "give another --run-id, or none")


def _write_files(files: Mapping[str, str], folder: Path) -> None:
    make_private_folder(folder.parent)
    folder.mkdir()
    for name, text in files.items():
        atomic_write(folder / name, text)


def _move_into_place(aside: Path, folder: Path) -> bool:
    """Puts the folder in its place; False where there is one with anything in it."""
    folder.parent.mkdir(exist_ok=True)
    try:
        aside.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    with contextlib.suppress(OSError):  # some filesystems cannot: the name comes to disk a little later there
        fsync_folder(folder.parent)
    return True


def _reserve_run_id(config: Config, run_id: str, folder: Path, aside: Path) -> bool:
    """Whether no other workspace has a run of this name in the same store; its folder is aside again where one has."""
    ours = False
    try:
        ours = reserve_run_id(config, run_id)
    finally:
        if not ours:
            folder.rename(aside)
    return ours


def _remove_stale_starts(workspace: Path) -> None:
    """Removes what starts have left that were killed. The others take moments."""
    for left in workspace.glob(f"{_STARTING_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_START_AGE_S:
                shutil.rmtree(left, ignore_errors=True)
