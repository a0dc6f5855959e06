"""Find garbage: artifacts, run folders and reproductions that no release, champion, window or kept run needs.

Everything that these reference through ML Metadata is kept, directly or indirectly. Artifacts of other pipelines in the
same workspace are kept too, with all that they reference. Releases have a retention setting of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.metadata.properties import properties_of
from flightline.metadata.reachability import TRANSFORM_CACHE_TYPE, ArtifactGraph, load_artifact_graph
from flightline.metadata.run_ids import MONITORING_SUFFIX, SCORING_SUFFIX
from flightline.metadata.spans import accepted_spans, list_ingested_spans
from flightline.runs.gc.paths import RetainedPaths, UnreferencedArtifact, disk_usage, split_removable
from flightline.utils.file_lock import IN_USE_LOCK, is_locked
from flightline.utils.safe_yaml import parse_yaml
from flightline.utils.storage import is_uri

COLLECTED_PREFIX = ".collected-"  # prefix of a reproduction's folder while it is removed
_LOCK_GRACE_S = 60.0
_PUSHED_MODEL_TYPE, _STATISTICS_TYPE = "PushedModel", "ExampleStatistics"


@dataclass(frozen=True)
class Garbage:
    """What a collection removes.

    Attributes:
        artifacts: unreferenced artifacts, to be removed.
        unremovable: unreferenced artifacts whose files cannot be removed.
        runs: run id → its folder.
        reproductions: folders that `flightline reproduce` kept.
        kept: the number of referenced artifacts.
        sizes: folder → bytes.
    """

    artifacts: list[UnreferencedArtifact]
    unremovable: list[UnreferencedArtifact]
    runs: dict[str, Path]
    reproductions: list[Path]
    kept: int
    sizes: dict[Path, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.artifacts or self.runs or self.reproductions)

    @property
    def size(self) -> int:
        """The size of everything to remove, in bytes."""
        return sum(artifact.size for artifact in self.artifacts) + sum(self.sizes.values())

    def to_dict(self) -> dict[str, Any]:
        def listed(artifacts: list[UnreferencedArtifact]) -> list[dict[str, Any]]:
            return [{"id": a.id, "type": a.type, "uri": a.uri, "bytes": a.size} for a in artifacts]

        return {
            "artifacts": listed(self.artifacts),
            "unremovable": listed(self.unremovable),
            "runs": sorted(self.runs),
            "reproductions": sorted(path.name for path in self.reproductions),
            "kept": self.kept,
            "bytes": self.size,
        }


def find_garbage(config: Config, store: mlmd.MetadataStore, keep: int) -> Garbage:
    """Return the garbage of a pipeline, of its scoring and of its monitoring. Changes nothing.

    Args:
        keep: the number of newest runs of each to keep, with all their inputs and outputs.
    """
    graph = load_artifact_graph(store)
    histories = tuple(
        _RunHistory.of(store, f"{config.name}{suffix}") for suffix in ("", SCORING_SUFFIX, MONITORING_SUFFIX)
    )
    kept_runs = {run for history in histories for run in history.newest(keep)}
    kept_runs |= {
        run for history in histories[1:] for run in history.runs if is_locked(config.run_folder(run), IN_USE_LOCK)
    }
    executions = {e for history in histories for some in history.runs.values() for e in some}
    referenced = graph.reachable_from(_find_roots(config, store, graph, histories, kept_runs, executions))
    unreferenced = [
        artifact
        for number, artifact in graph.artifacts.items()
        if graph.producer.get(number) in executions
        and artifact.state != pb.Artifact.DELETED
        # Marked by an interrupted collection: half of its files may be gone, whatever is kept now.
        and (number not in referenced or artifact.state == pb.Artifact.MARKED_FOR_DELETION)
    ]
    retained = RetainedPaths.of(graph.artifacts.values(), unreferenced)
    artifacts, unremovable = split_removable(config, unreferenced, retained)
    owners = {execution for number in referenced for execution in [graph.producer.get(number)] if execution is not None}
    runs = dict(_removable_run_folders(config, store, histories, kept_runs, owners))
    reproductions = [
        path
        for path in sorted((config.workspace / "reproduced").glob("*"))
        if path.is_dir() and not path.is_symlink() and not _is_active(path)
    ]
    sizes = {path: disk_usage(path) for path in [*runs.values(), *reproductions]}
    existing = sum(artifact.state != pb.Artifact.DELETED for artifact in graph.artifacts.values())
    return Garbage(artifacts, unremovable, runs, reproductions, existing - len(unreferenced), sizes)


@dataclass(frozen=True)
class _RunHistory:
    """The runs of one pipeline, newest first: run → ids of its executions."""

    runs: dict[str, list[int]]
    started: dict[str, int]

    @classmethod
    def of(cls, store: mlmd.MetadataStore, pipeline: str) -> _RunHistory:
        context = store.get_context_by_type_and_name("pipeline", pipeline)
        runs: dict[str, list[int]] = {}
        started: dict[str, int] = {}
        for execution in store.get_executions_by_context(context.id) if context else []:
            for run in store.get_contexts_by_execution(execution.id):
                if run.type == "pipeline_run":
                    runs.setdefault(run.name, []).append(execution.id)
                    started[run.name] = run.create_time_since_epoch
        # Of runs that started in the same millisecond, the one whose steps were recorded later is newer.
        newest_first = sorted(runs, key=lambda run: (started[run], max(runs[run])), reverse=True)
        return cls({run: runs[run] for run in newest_first}, started)

    def newest(self, number: int) -> list[str]:
        return list(self.runs)[:number]


def _find_roots(
    config: Config,
    store: mlmd.MetadataStore,
    graph: ArtifactGraph,
    histories: Iterable[_RunHistory],
    kept_runs: set[str],
    executions: set[int],
) -> set[int]:
    roots = {*_release_roots(config, graph), *_next_run_roots(config, store, graph)}
    roots |= {number for number in graph.artifacts if graph.producer.get(number) not in executions}
    other_executions = {*graph.inputs, *graph.outputs} - executions
    kept = [e for history in histories for run, some in history.runs.items() if run in kept_runs for e in some]
    return roots | graph.read_or_written([*other_executions, *kept])


def _release_roots(config: Config, graph: ArtifactGraph) -> Iterator[int]:
    """Yield the PushedModels of all releases, finished or not, and the newest one: without releases, the champion."""
    folder = config.releases.resolve()
    folders = {str(path) for path in folder.glob("*") if path.name.isdigit()}
    pushed = {number: properties_of(a) for number, a in graph.artifacts.items() if a.type == _PUSHED_MODEL_TYPE}
    yield from (n for n, properties in pushed.items() if properties.get("pushed_destination") in folders)
    yield from sorted(number for number, properties in pushed.items() if properties.get("pushed"))[-1:]


def _next_run_roots(config: Config, store: mlmd.MetadataStore, graph: ArtifactGraph) -> Iterator[int]:
    """Yield what the next run needs: the newest analyzer cache, and the last accepted spans with their statistics.

    One span more than the window has, as the next run may replace the newest span."""
    caches = [number for number, artifact in graph.artifacts.items() if _is_analyzer_cache(artifact)]
    yield from sorted(caches)[-1:]
    if config.window is None:
        return
    window = {
        span.examples for span in accepted_spans(list_ingested_spans(store, config.name))[-config.window.spans - 1 :]
    }
    yield from window
    context = store.get_context_by_type_and_name("node", f"{config.name}.StatisticsGen")
    for execution in store.get_executions_by_context(context.id) if context else []:
        if graph.inputs[execution.id] & window:
            yield from (n for n in graph.outputs[execution.id] if graph.artifacts[n].type == _STATISTICS_TYPE)


def _is_analyzer_cache(artifact: pb.Artifact) -> bool:
    """Whether it is an analyzer cache that a run would use."""
    if artifact.type != TRANSFORM_CACHE_TYPE or artifact.state != pb.Artifact.LIVE:
        return False
    return is_uri(artifact.uri) or Path(artifact.uri).is_dir()


def _removable_run_folders(
    config: Config, store: mlmd.MetadataStore, histories: tuple[_RunHistory, ...], kept: set[str], owners: set[int]
) -> Iterator[tuple[str, Path]]:
    """Yield id and folder of the runs that are not kept and made no referenced artifact."""
    recorded_runs = {context.name for context in _run_contexts(store)}
    needed = {run for history in histories for run, some in history.runs.items() if run in kept or owners & set(some)}
    known = {run for history in histories for run in history.runs}
    oldest_kept = min((history.started[run] for history in histories for run in kept & set(history.started)), default=0)
    for path in sorted((config.workspace / "runs").glob("*")):
        if not path.is_dir() or path.is_symlink():
            continue
        if path.name in known - needed or (
            path.name not in recorded_runs and _is_old_unrecorded_run(config, path, oldest_kept)
        ):
            yield path.name, path


def _is_old_unrecorded_run(config: Config, folder: Path, before_ms: int) -> bool:
    """Whether a run without any step in ML Metadata is of this pipeline, and older than the oldest kept run."""
    settings = folder / "config.yaml"
    try:
        started = settings.stat().st_mtime * 1000
        name = (parse_yaml(settings.read_text(encoding="utf-8")) or {}).get("name")
    except (OSError, ValueError, AttributeError):
        return False
    return started < before_ms and name == config.name


def _run_contexts(store: mlmd.MetadataStore) -> list[pb.Context]:
    try:
        return list(store.get_contexts_by_type("pipeline_run"))
    except mlmd.errors.NotFoundError:
        return []


def _is_active(reproduction: Path) -> bool:
    """Whether `flightline reproduce` uses the folder: it locks the folder just after it has created it."""
    if reproduction.name.startswith(COLLECTED_PREFIX):  # an interrupted collection removed a part of it
        return False
    if (reproduction / f"{IN_USE_LOCK}.lock").is_file():
        return is_locked(reproduction, IN_USE_LOCK)
    return time.time() - reproduction.stat().st_mtime < _LOCK_GRACE_S
