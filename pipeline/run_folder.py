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

from pipeline.config import Config
from pipeline.config_file import dump_config
from pipeline.errors import UsageError
from pipeline.metadata.run_ids import reserve
from pipeline.permissions import make_closed
from pipeline.releases import flush_folder, write_whole

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CONFIG = "config.yaml"  # in a run's folder: the config that it runs with
_STARTING = ".starting-"  # in the workspace: a run's folder before it is there
_SURELY_LEFT_S = 3600.0


def first_part(run_id: str) -> str:
    """The id of the run that `r.2`, `r.3`, ... go on with: `r`."""
    return re.sub(r"\.\d+$", "", run_id)


def is_a_part_of(run_id: str, resumed: str) -> bool:
    """Whether a run is the one that is gone on with, or went on with it before."""
    return bool(resumed) and first_part(run_id) == first_part(resumed)


def new_run_folder(config: Config, asked: str | None, span: str = "", about: Mapping[str, str] | None = None) -> Path:
    """A new folder, named by the run's id: the one asked for, or one made of the time and the name of the span.

    It appears with the config and the files of `about` (name: text) in it, or not at all: a start that is killed
    leaves no run that lacks them, and its name free.

    Raises:
        UsageError: the id asked for is taken or not one, or the workspace cannot be written.
    """
    of_span = f"-span-{span.replace(' version ', '-v')}" if span else ""
    run_id = asked or f"{datetime.datetime.now():%Y%m%d-%H%M%S}{of_span}"
    if not RUN_ID.fullmatch(run_id):
        raise UsageError(f"--run-id {run_id!r} is not a name of letters, digits, `.`, `_` and `-`")
    aside = config.workspace / f"{_STARTING}{uuid.uuid4().hex}"
    try:
        _remove_left(config.workspace)
        _write({CONFIG: dump_config(config), **(about or {})}, aside)
        for attempt in [run_id] if asked else [run_id, *(f"{run_id}-{number}" for number in range(2, 100))]:
            folder = config.run_folder(attempt)
            if _appears(aside, folder) and _is_ours(config, attempt, folder, aside):
                return folder
    except OSError as error:
        todo = "make room in it, or mend `workspace` in the config or its permissions"
        raise UsageError(f"the workspace {config.workspace} cannot be written: {error}", todo) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    raise UsageError(f"there is a run {run_id} already", "give another --run-id, or none")


def _write(files: Mapping[str, str], folder: Path) -> None:
    make_closed(folder.parent)
    folder.mkdir()
    for name, text in files.items():
        write_whole(folder / name, text)


def _appears(aside: Path, folder: Path) -> bool:
    """Puts the folder in its place; False where there is one with anything in it."""
    folder.parent.mkdir(exist_ok=True)
    try:
        aside.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    with contextlib.suppress(OSError):  # some filesystems cannot: the name comes to disk a little later there
        flush_folder(folder.parent)
    return True


def _is_ours(config: Config, run_id: str, folder: Path, aside: Path) -> bool:
    """Whether no other workspace has a run of this name in the same store; its folder is aside again where one has."""
    ours = False
    try:
        ours = reserve(config, run_id)
    finally:
        if not ours:
            folder.rename(aside)
    return ours


def _remove_left(workspace: Path) -> None:
    """Removes what starts have left that were killed. The others take moments."""
    for left in workspace.glob(f"{_STARTING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _SURELY_LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
