"""Compare artifacts with their records before a step reads them, and before the cache hands them out.

A step whose output folders hold files already, which are another artifact's, is not run.

TFX has no hook for either: two private names of its launcher are replaced while a DAG runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.dsl.io import fileio
from tfx.orchestration.portable import data_types

from flightline.errors import ArtifactDamaged, StepFailed
from flightline.metadata.artifact_integrity import describe_damage, find_artifact_damage, recorded_files
from flightline.metadata.properties import properties_of
from flightline.releases.release import find_pushed_damage
from flightline.runs.tfx.runner_internals import RUNNER, get_node_id


@contextlib.contextmanager
def check_artifacts(by_content: bool, report: Callable[[str], None]) -> Iterator[None]:
    """While entered, no step reads a damaged artifact, and the cache hands out none: its step runs again.

    Args:
        by_content: compare contents; otherwise sizes alone, except of models and releases.
        report: called with a message for each damaged artifact in the cache.
    """
    stock_run, stock_lookup = RUNNER.run_executor, RUNNER.get_cached_outputs

    def run_executor(self: Any, execution: data_types.ExecutionInfo) -> Any:
        if problem := _find_problem(execution.input_dict, by_content):
            raise ArtifactDamaged(
                f"{get_node_id(self)} cannot read its input: {problem}",
                "restore its files, or run again without --from: the step that makes it runs again",
            )
        if occupied := _find_occupied_output(execution.output_dict):
            raise StepFailed(
                f"{get_node_id(self)} would write into {occupied}, which holds another artifact",
                "restore the metadata store that this artifact is recorded in, or choose another workspace",
            )
        return stock_run(self, execution)

    def get_cached_outputs(metadata_handle: Any, cache_context: Any) -> Any:
        outputs = stock_lookup(metadata_handle, cache_context=cache_context)
        problem = _find_problem(outputs, by_content) or _find_release_problem(outputs)
        if not problem:
            return outputs
        report(f"{problem}; it is made again")
        return None

    with RUNNER.replace("run_executor", run_executor), RUNNER.replace("get_cached_outputs", get_cached_outputs):
        yield


def _find_problem(artifacts: Mapping[str, Sequence[Any]] | None, by_content: bool) -> str:
    """What is wrong with the first damaged artifact; empty if none is.

    The files of a PushedModel are a copy that no step reads: the Evaluator only asks which model is the champion.
    """
    for artifact in _list_artifacts(artifacts):
        if artifact.type != "PushedModel" and (damage := find_artifact_damage(artifact, by_content)):
            return describe_damage(artifact, damage)
    return ""


def _find_release_problem(artifacts: Mapping[str, Sequence[Any]] | None) -> str:
    """What is wrong with a release that was pushed before; empty if nothing is."""
    for artifact in _list_artifacts(artifacts):
        destination = str(properties_of(artifact).get("pushed_destination") or "")
        if destination and (damage := find_pushed_damage(Path(destination), recorded_files(artifact))):
            return f"the release {destination} is damaged: {damage[0]}"
    return ""


def _find_occupied_output(artifacts: Mapping[str, Sequence[Any]] | None) -> str:
    """The first output folder that has files before its step has run; empty if there is none."""
    for artifact in _list_artifacts(artifacts):
        is_folder = fileio.exists(artifact.uri) and fileio.isdir(artifact.uri)
        if is_folder and any(names for _, _, names in fileio.walk(artifact.uri)):
            return str(artifact.uri)
    return ""


def _list_artifacts(artifacts: Mapping[str, Sequence[Any]] | None) -> Iterator[pb.Artifact]:
    for some in (artifacts or {}).values():
        yield from (one.mlmd_artifact for one in some)
