"""Garbage: the artifacts, run folders and repetitions that no release, champion, window or kept run needs any more.

What is reached from these through ML Metadata stays, whatever else is asked. Artifacts of other pipelines in the same
workspace stay too, and are roots like the others; so do the releases themselves, which have a retention of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.config import Config
from pipeline.garbage_places import Places, Unreached, by_place, size_of
from pipeline.locations import is_uri
from pipeline.metadata.reach import SPEED_ONLY, Graph, graph_of
from pipeline.metadata.run_ids import MONITORING, SCORING
from pipeline.metadata.spans import accepted_spans, taken_spans
from pipeline.metadata.store import properties_of
from pipeline.plain_yaml import parse
from pipeline.run_lock import IN_USE, in_use

ASIDE = ".collected-"  # what the names of repetitions begin with that are about to be gone
_JUST_MADE_S = 60.0
_PUSHED, _STATISTICS = "PushedModel", "ExampleStatistics"


@dataclass(frozen=True)
class Garbage:
    """What there is to collect.

    Attributes:
        artifacts: to be removed. left: as unreached as those, and not ours to remove.
        runs: run → its folder. repetitions: folders that `flightline reproduce` kept. sizes: bytes by folder.
        kept: artifacts that are reached.
    """

    artifacts: list[Unreached]
    left: list[Unreached]
    runs: dict[str, Path]
    repetitions: list[Path]
    kept: int
    sizes: dict[Path, int] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        return not (self.artifacts or self.runs or self.repetitions)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(artifact.size for artifact in self.artifacts) + sum(self.sizes.values())

    def to_dict(self) -> dict[str, Any]:
        def listed(artifacts: list[Unreached]) -> list[dict[str, Any]]:
            return [{"id": a.id, "type": a.type, "uri": a.uri, "bytes": a.size} for a in artifacts]

        return {
            "artifacts": listed(self.artifacts),
            "left": listed(self.left),
            "runs": sorted(self.runs),
            "repetitions": sorted(path.name for path in self.repetitions),
            "kept": self.kept,
            "bytes": self.size,
        }


def find_garbage(config: Config, store: mlmd.MetadataStore, keep: int) -> Garbage:
    """What nothing needs of what the pipeline of a config, its scoring and its monitoring have made. Changes nothing.

    Args:
        keep: how many of the newest runs are kept with all that they were made of and made.
    """
    graph = graph_of(store)
    ours = tuple(_History.of(store, f"{config.name}{suffix}") for suffix in ("", SCORING, MONITORING))
    kept_runs = {run for history in ours for run in history.newest(keep)}
    kept_runs |= {run for history in ours[1:] for run in history.runs if in_use(config.run_folder(run), IN_USE)}
    executions = {e for history in ours for some in history.runs.values() for e in some}
    reached = graph.reached(_roots(config, store, graph, ours, kept_runs, executions))
    unreached = [
        artifact
        for number, artifact in graph.artifacts.items()
        if graph.maker.get(number) in executions
        and artifact.state != pb.Artifact.DELETED
        # Marked by a collection that was interrupted: half of its files may be gone, whatever is kept today.
        and (number not in reached or artifact.state == pb.Artifact.MARKED_FOR_DELETION)
    ]
    artifacts, left = by_place(config, unreached, Places.of(graph.artifacts.values(), unreached))
    owners = {execution for number in reached for execution in [graph.maker.get(number)] if execution is not None}
    runs = dict(_folders_of_runs(config, store, ours, kept_runs, owners))
    repetitions = [
        path
        for path in sorted((config.workspace / "reproduced").glob("*"))
        if path.is_dir() and not path.is_symlink() and not _at_work(path)
    ]
    sizes = {path: size_of(path) for path in [*runs.values(), *repetitions]}
    there = sum(artifact.state != pb.Artifact.DELETED for artifact in graph.artifacts.values())
    return Garbage(artifacts, left, runs, repetitions, there - len(unreached), sizes)


@dataclass(frozen=True)
class _History:
    """The runs of one pipeline, newest first: run → ids of its executions."""

    runs: dict[str, list[int]]
    started: dict[str, int]

    @classmethod
    def of(cls, store: mlmd.MetadataStore, pipeline: str) -> _History:
        context = store.get_context_by_type_and_name("pipeline", pipeline)
        runs: dict[str, list[int]] = {}
        started: dict[str, int] = {}
        for execution in store.get_executions_by_context(context.id) if context else []:
            for run in store.get_contexts_by_execution(execution.id):
                if run.type == "pipeline_run":
                    runs.setdefault(run.name, []).append(execution.id)
                    started[run.name] = run.create_time_since_epoch
        # Begun within a millisecond, the one whose steps were put on record later is the newer.
        newest_first = sorted(runs, key=lambda run: (started[run], max(runs[run])), reverse=True)
        return cls({run: runs[run] for run in newest_first}, started)

    def newest(self, number: int) -> list[str]:
        return list(self.runs)[:number]


def _roots(
    config: Config,
    store: mlmd.MetadataStore,
    graph: Graph,
    ours: Iterable[_History],
    kept_runs: set[str],
    executions: set[int],
) -> set[int]:
    roots = {*_released(config, graph), *_next_window(config, store, graph)}
    roots |= {number for number in graph.artifacts if graph.maker.get(number) not in executions}
    others = {*graph.read, *graph.given} - executions
    kept = [e for history in ours for run, some in history.runs.items() if run in kept_runs for e in some]
    return roots | graph.touched([*others, *kept])


def _released(config: Config, graph: Graph) -> Iterator[int]:
    """The PushedModels of all releases, described already or not, and the newest: the champion, with no release."""
    folder = config.releases.resolve()
    there = {str(path) for path in folder.glob("*") if path.name.isdigit()}
    pushed = {number: properties_of(a) for number, a in graph.artifacts.items() if a.type == _PUSHED}
    yield from (n for n, properties in pushed.items() if properties.get("pushed_destination") in there)
    yield from sorted(number for number, properties in pushed.items() if properties.get("pushed"))[-1:]


def _next_window(config: Config, store: mlmd.MetadataStore, graph: Graph) -> Iterator[int]:
    """What the next run needs: the newest analyzer cache and, of the accepted spans, the last ones and their
    statistics. One span more than the window has: the next run may correct the newest."""
    caches = [number for number, artifact in graph.artifacts.items() if _is_cache(artifact)]
    yield from sorted(caches)[-1:]
    if config.window is None:
        return
    window = {one.examples for one in accepted_spans(taken_spans(store, config.name))[-config.window.spans - 1 :]}
    yield from window
    context = store.get_context_by_type_and_name("node", f"{config.name}.StatisticsGen")
    for execution in store.get_executions_by_context(context.id) if context else []:
        if graph.read[execution.id] & window:
            yield from (n for n in graph.given[execution.id] if graph.artifacts[n].type == _STATISTICS)


def _is_cache(artifact: pb.Artifact) -> bool:
    """Whether it is an analyzer cache that a run would be given."""
    if artifact.type != SPEED_ONLY or artifact.state != pb.Artifact.LIVE:
        return False
    return is_uri(artifact.uri) or Path(artifact.uri).is_dir()


def _folders_of_runs(
    config: Config, store: mlmd.MetadataStore, ours: tuple[_History, ...], kept: set[str], owners: set[int]
) -> Iterator[tuple[str, Path]]:
    """Those of the runs that are not kept and have made nothing that is reached."""
    on_record = {context.name for context in _run_contexts(store)}
    needed = {run for history in ours for run, some in history.runs.items() if run in kept or owners & set(some)}
    known = {run for history in ours for run in history.runs}
    oldest_kept = min((history.started[run] for history in ours for run in kept & set(history.started)), default=0)
    for path in sorted((config.workspace / "runs").glob("*")):
        if not path.is_dir() or path.is_symlink():
            continue
        if path.name in known - needed or (path.name not in on_record and _is_older(config, path, oldest_kept)):
            yield path.name, path


def _is_older(config: Config, folder: Path, than_ms: int) -> bool:
    """Whether a run that never came to its first step is one of ours, and began before the oldest one that is kept."""
    settings = folder / "config.yaml"
    try:
        began = settings.stat().st_mtime * 1000
        name = (parse(settings.read_text(encoding="utf-8")) or {}).get("name")
    except (OSError, ValueError, AttributeError):
        return False
    return began < than_ms and name == config.name


def _run_contexts(store: mlmd.MetadataStore) -> list[pb.Context]:
    try:
        return list(store.get_contexts_by_type("pipeline_run"))
    except mlmd.errors.NotFoundError:
        return []


def _at_work(repetition: Path) -> bool:
    """Whether `flightline reproduce` is at it: it takes its lock just after it has made the folder."""
    if repetition.name.startswith(ASIDE):  # half of it may be gone
        return False
    if (repetition / f"{IN_USE}.lock").is_file():
        return in_use(repetition, IN_USE)
    return time.time() - repetition.stat().st_mtime < _JUST_MADE_S
