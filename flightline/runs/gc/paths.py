"""Where the files of unreferenced artifacts are: which can be removed, and which are elsewhere or still needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.utils.storage import is_uri


@dataclass(frozen=True)
class UnreferencedArtifact:
    """An artifact that nothing needs.

    Attributes:
        path: its files; None if they cannot be removed: at a URI, outside the artifacts' folder, or needed by others.
        size: in bytes; 0 if unknown.
    """

    id: int
    type: str
    uri: str
    path: Path | None
    size: int


@dataclass(frozen=True)
class RetainedPaths:
    """The paths of artifacts that are kept, and all folders above them."""

    retained: set[Path]
    ancestors: set[Path]

    @classmethod
    def of(cls, artifacts: Iterable[pb.Artifact], unreferenced: list[pb.Artifact]) -> RetainedPaths:
        """Return the paths of the artifacts that are not in `unreferenced`."""
        removed = {artifact.id for artifact in unreferenced}
        retained = {
            Path(artifact.uri).resolve()
            for artifact in artifacts
            if artifact.id not in removed and artifact.state != pb.Artifact.DELETED and not is_uri(artifact.uri)
        }
        return cls(retained, {folder for path in retained for folder in path.parents})

    def overlaps(self, path: Path) -> bool:
        """Whether a retained path is `path`, or is inside or around it."""
        return (
            path in self.retained or path in self.ancestors or any(parent in self.retained for parent in path.parents)
        )


def split_removable(
    config: Config, unreferenced: list[pb.Artifact], retained: RetainedPaths
) -> tuple[list[UnreferencedArtifact], list[UnreferencedArtifact]]:
    """Return (artifacts whose files can be removed, artifacts whose files cannot)."""
    roots = artifact_roots(config)
    removable, unremovable = [], []
    for artifact in sorted(unreferenced, key=lambda artifact: artifact.id):
        path = None if is_uri(artifact.uri) else Path(artifact.uri).resolve()
        if path is None or retained.overlaps(path) or not any(root in path.parents for root in roots):
            unremovable.append(UnreferencedArtifact(artifact.id, artifact.type, artifact.uri, None, 0))
        else:
            removable.append(UnreferencedArtifact(artifact.id, artifact.type, artifact.uri, path, disk_usage(path)))
    return removable, unremovable


def artifact_roots(config: Config) -> list[Path]:
    """Return the local folders that artifacts are written to; no file outside them is ever removed."""
    folders = [config.workspace / "artifacts", *([] if is_uri(config.artifacts) else [Path(config.artifacts)])]
    return [folder.resolve() for folder in folders]


def disk_usage(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; links are not followed."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - there may be very many
    return total
