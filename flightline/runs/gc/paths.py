"""Where garbage is: what is ours to remove, and what is elsewhere or a part of what stays."""

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
        path: its files; None where they are not ours to remove: at a URI, or outside the artifacts' folder.
        size: in bytes; 0 where it is not known.
    """

    id: int
    type: str
    uri: str
    path: Path | None
    size: int


@dataclass(frozen=True)
class RetainedPaths:
    """Where what stays is, and all folders above."""

    stay: set[Path]
    above: set[Path]

    @classmethod
    def of(cls, artifacts: Iterable[pb.Artifact], unreached: list[pb.Artifact]) -> RetainedPaths:
        gone = {artifact.id for artifact in unreached}
        stay = {
            Path(artifact.uri).resolve()
            for artifact in artifacts
            if artifact.id not in gone and artifact.state != pb.Artifact.DELETED and not is_uri(artifact.uri)
        }
        return cls(stay, {folder for path in stay for folder in path.parents})

    def need(self, path: Path) -> bool:
        """Whether something that stays is there, in it, or around it."""
        return path in self.stay or path in self.above or any(parent in self.stay for parent in path.parents)


def split_removable(
    config: Config, unreached: list[pb.Artifact], places: RetainedPaths
) -> tuple[list[UnreferencedArtifact], list[UnreferencedArtifact]]:
    """(what is ours to remove, what is elsewhere)."""
    roots = artifact_roots(config)
    removed, left = [], []
    for artifact in sorted(unreached, key=lambda artifact: artifact.id):
        path = None if is_uri(artifact.uri) else Path(artifact.uri).resolve()
        if path is None or places.need(path) or not any(root in path.parents for root in roots):
            left.append(UnreferencedArtifact(artifact.id, artifact.type, artifact.uri, None, 0))
        else:
            removed.append(UnreferencedArtifact(artifact.id, artifact.type, artifact.uri, path, disk_usage(path)))
    return removed, left


def artifact_roots(config: Config) -> list[Path]:
    """The folders of this machine that artifacts are written to: no artifact outside them is ever removed."""
    places = [config.workspace / "artifacts", *([] if is_uri(config.artifacts) else [Path(config.artifacts)])]
    return [place.resolve() for place in places]


def disk_usage(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links are not followed."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - a great many of them
    return total
