"""Remove garbage: files and the state of their artifacts, in an order that is safe if the process is killed.

First all artifacts are marked (MARKED_FOR_DELETION) in one transaction; then their files are removed; then they are
DELETED. TFX's cache and resolvers use LIVE artifacts only, so no run gets a marked one, whether its files are there or
not. In any other order a killed collection would leave files without an artifact, or an artifact with half of its
files. The next collection removes what is marked, whatever it would keep itself; removing a missing file is no error.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import FlightlineError, StepFailed
from flightline.metadata.properties import OUTPUT_EVENTS
from flightline.metadata.runs import Runs
from flightline.metadata.store import save_run_properties
from flightline.releases import audit_log
from flightline.reporting.html.index import write_index
from flightline.runs.gc.paths import UnreferencedArtifact, artifact_roots
from flightline.runs.gc.plan import COLLECTED_PREFIX, Garbage
from flightline.runs.reproduce.restore import remove_worktree

COLLECTED_AT_PROPERTY = "collected_at"  # of a run in ML Metadata: when its folder was removed


def remove_garbage(config: Config, store: mlmd.MetadataStore, garbage: Garbage, keep: int) -> None:
    """Remove what `find_garbage` found. Call it while the pipeline's lock is held.

    Args:
        keep: the number of runs that were kept, for the audit log.

    Raises:
        StepFailed: a file cannot be removed; the next collection continues there.
    """
    if garbage.is_empty:
        return
    audit_log.record(  # first: if the log refuses, nothing is removed
        config.workspace,
        "garbage collected",
        pipeline=config.name,
        keep=keep,
        artifacts=len(garbage.artifacts),
        runs=len(garbage.runs),
        reproductions=len(garbage.reproductions),
        bytes=garbage.size,
    )
    _set_state(store, garbage.artifacts, pb.Artifact.MARKED_FOR_DELETION)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    for run in garbage.runs:
        if store.get_context_by_type_and_name("pipeline_run", run) is not None:
            save_run_properties(store, run, {COLLECTED_AT_PROPERTY: now})
    try:
        _remove_artifacts(config, store, garbage.artifacts)
        _set_state(store, garbage.artifacts, pb.Artifact.DELETED)
        for folder in garbage.runs.values():
            _remove_path(folder)
        for folder in garbage.reproductions:
            _remove_reproduction(folder)
        write_index(config.workspace, Runs(store, config))
    except OSError as error:
        problem = f"{error.filename or config.workspace} cannot be removed: {error.strerror or error}"
        raise StepFailed(problem, "fix its permissions, then repeat `flightline gc`: it continues there") from error


def _set_state(store: mlmd.MetadataStore, artifacts: Iterable[UnreferencedArtifact], state: int) -> None:
    changed = store.get_artifacts_by_id([artifact.id for artifact in artifacts])
    for artifact in changed:
        artifact.state = state
    if changed:
        store.put_artifacts(changed)


def _remove_artifacts(config: Config, store: mlmd.MetadataStore, artifacts: list[UnreferencedArtifact]) -> None:
    """Remove the artifacts' files, TFX's internal files of the executions that made them, and empty folders."""
    makers = {artifact.id: set[int]() for artifact in artifacts}
    for event in store.get_events_by_artifact_ids(list(makers)) if makers else []:
        if event.type in OUTPUT_EVENTS:
            makers[event.artifact_id].add(event.execution_id)
    roots = artifact_roots(config)
    for artifact in artifacts:
        if artifact.path is None:
            continue
        _remove_path(artifact.path)
        root = next(root for root in roots if root in artifact.path.parents)
        node = root / artifact.path.relative_to(root).parts[0]
        for execution in makers[artifact.id]:
            for path in node.glob(f".system/*/{execution}"):
                _remove_path(path)
        _remove_empty_parents(artifact.path.parent, below=root)


def _remove_reproduction(folder: Path) -> None:
    """Rename the folder, then remove it: a half-removed one without its lock file would look like a new one."""
    with contextlib.suppress(FlightlineError):  # git no longer knows the worktree, or is not installed
        remove_worktree(folder / "code")
    if not folder.name.startswith(COLLECTED_PREFIX):
        folder = folder.rename(folder.with_name(f"{COLLECTED_PREFIX}{folder.name}"))
    _remove_path(folder)


def _remove_empty_parents(folder: Path, below: Path) -> None:
    while below in folder.parents and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
