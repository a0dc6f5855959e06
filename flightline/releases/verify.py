"""Compare the files of artifacts and releases with what was recorded when they were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.metadata.artifact_integrity import find_artifact_damage, recorded_files
from flightline.metadata.properties import COLLECTED_STATES, properties_of
from flightline.metadata.run import Run
from flightline.metadata.run_ids import with_auxiliary_pipelines
from flightline.metadata.runs import Runs
from flightline.releases.release import Release
from flightline.serving.file_records import RELEASE_FILES_KEY, FileRecords, is_file_records


@dataclass(frozen=True)
class VerifiedItem:
    """An artifact or a release, compared with its record.

    Attributes:
        kind: the artifact's type, or `release`.
        name: `artifact ID`, or the release's version.
        location: its folder.
        files: number of files on record.
        size: their size on record, in bytes.
        recorded: whether there is a record; without one, nothing was compared.
        damage: how the files differ from the record; empty if they do not.
    """

    kind: str
    name: str
    location: str
    files: int
    size: int
    recorded: bool
    damage: tuple[str, ...]

    @property
    def description(self) -> str:
        """What it is and where, for messages."""
        return f"{self.kind} {self.name} ({self.location})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "damage": list(self.damage)}


def verify_run(run: Run) -> list[VerifiedItem]:
    """Compare all that a run read and made, in the order of its steps."""
    channels = [some for step in run.steps.values() for some in (*step.inputs.values(), *step.outputs.values())]
    return _verify_artifacts(artifact for artifacts in channels for artifact in artifacts)


def verify_pipeline(runs: Runs, config: Config) -> list[VerifiedItem]:
    """Compare all artifacts of a pipeline, its scoring and its monitoring, except those that were collected."""
    found: list[pb.Artifact] = []
    for name in with_auxiliary_pipelines(config.name):
        if context := runs.store.get_context_by_type_and_name("pipeline", name):
            found += runs.store.get_artifacts_by_context(context.id)
    return _verify_artifacts(found)


def verify_release(release: Release, runs: Runs | None) -> VerifiedItem:
    """Compare a release with its release.json, and that with the record of what was pushed in ML Metadata.

    Args:
        runs: the metadata store; None where there is none.
    """
    recorded: Any = release.metadata.get(RELEASE_FILES_KEY)
    files: FileRecords = recorded if is_file_records(recorded) else {}
    damage = release.find_damage()
    pushed = _pushed_files(runs, release.path) if runs else None
    if pushed is not None and recorded is not None and _plain(pushed) != _plain(files):
        damage.append("release.json records other files than ML Metadata has of the push")
    size = sum(int(entry["size"]) for entry in files.values())
    return VerifiedItem("release", release.version, str(release.path), len(files), size, True, tuple(damage))


def _verify_artifacts(artifacts: Iterable[pb.Artifact]) -> list[VerifiedItem]:
    unique = {artifact.id: artifact for artifact in artifacts if artifact.state not in COLLECTED_STATES}
    return [_verify_artifact(artifact) for artifact in unique.values()]


def _verify_artifact(artifact: pb.Artifact) -> VerifiedItem:
    recorded = recorded_files(artifact)
    return VerifiedItem(
        kind=artifact.type,
        name=f"artifact {artifact.id}",
        location=artifact.uri,
        files=len(recorded or {}),
        size=sum(int(entry["size"]) for entry in (recorded or {}).values()),
        recorded=recorded is not None,
        damage=tuple(find_artifact_damage(artifact)),
    )


def _pushed_files(runs: Runs, path: Path) -> FileRecords | None:
    """The record of the PushedModel that was copied to a release; None where there is none."""
    for artifact in reversed(runs.store.get_artifacts_by_type("PushedModel")):
        destination = str(properties_of(artifact).get("pushed_destination") or "")
        if destination and Path(destination) == path.resolve():
            return recorded_files(artifact)
    return None


def _plain(files: FileRecords) -> Mapping[str, Mapping[str, Any]]:
    return {name: dict(entry) for name, entry in files.items()}
