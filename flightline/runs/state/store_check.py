"""Refuse a metadata store that is not the one of the artifacts in the workspace.

TFX names the folders of artifacts after ids that the store counts. A store that is new, or older than the artifacts,
counts from a smaller id: its steps would write into the folders of artifacts that releases were made from.
"""

from __future__ import annotations

from pathlib import Path

import ml_metadata as mlmd

from flightline.config.settings import Config
from flightline.errors import StepFailed, UsageError
from flightline.metadata.store import has_store, open_store, store_name
from flightline.utils.storage import is_uri


def require_store_of_artifacts(config: Config) -> None:
    """Compare the newest execution in the store with the newest folder of artifacts.

    Artifacts at a URI are not listed; there, each step checks that its own folders are new. A store that is locked is
    not compared: the run says so, and can be resumed.

    Raises:
        UsageError: the folder has artifacts of executions that the store does not know.
        InputError: the store cannot be read.
    """
    if is_uri(config.artifacts):
        return
    newest = find_newest_execution(Path(config.artifacts))
    if newest is None:
        _remove_empty_store(config)
        return
    try:
        known = _newest_known_execution(open_store(config)) if has_store(config) else 0
    except StepFailed:
        return
    if newest[0] <= known:
        return
    execution, folder = newest
    state = f"is older: its newest execution is {known}" if known else "is missing or empty"
    raise UsageError(
        f"{folder} was made by execution {execution}, and the metadata store {store_name(config)} {state}; "
        "a run would write into the folders of existing artifacts",
        "restore the store from a backup, or rebuild it (move it away, then `flightline recover`); to start anew, move "
        f"{config.artifacts} and {config.releases} away too",
    )


def _remove_empty_store(config: Config) -> None:
    """Remove the 0 bytes that a run left whose store could not be created; without artifacts, nothing is lost."""
    path = config.metadata_db
    if not config.metadata.uses_server and path.is_file() and path.stat().st_size == 0:
        path.unlink()


def find_newest_execution(artifacts: Path) -> tuple[int, Path] | None:
    """The largest execution id among the folders NODE/OUTPUT/EXECUTION that hold files, and its folder."""
    folders = [path for path in artifacts.glob("*/*/*") if path.name.isdecimal() and path.parent.name[0] != "."]
    for folder in sorted(folders, key=lambda path: int(path.name), reverse=True):
        if any(path.is_file() for path in folder.rglob("*")):
            return int(folder.name), folder
    return None


def _newest_known_execution(store: mlmd.MetadataStore) -> int:
    newest = store.get_executions(list_options=mlmd.ListOptions(limit=1, order_by=mlmd.OrderByField.ID, is_asc=False))
    return newest[0].id if newest else 0
