"""Record the files of an artifact in ML Metadata when a step has made it, and compare them when they are read.

The content digest answers whether two artifacts mean the same; the record answers whether an artifact's files are
still those that its step wrote. It needs neither TFX nor TensorFlow, except for artifacts at a URI.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import COLLECTED_STATES, properties_of
from flightline.serving.file_records import FileRecords, find_damage, is_file_records, record_files
from flightline.utils.hashing import BLOCK_BYTES
from flightline.utils.storage import is_uri

FILES_PROPERTY = "files"  # of an artifact: its files' sizes and SHA-256, as JSON
# What answers requests, or is a part of it: always compared by content.
_ALWAYS_BY_CONTENT = ("Model", "TransformGraph", "PushedModel")


def record_artifact(artifact: pb.Artifact) -> FileRecords:
    """Set the record of an artifact's files among its properties, and return it; the caller saves the artifact.

    Raises:
        OSError: a file cannot be read.
    """
    recorded = _record_remote(artifact.uri) if is_uri(artifact.uri) else record_files(Path(artifact.uri))
    artifact.custom_properties[FILES_PROPERTY].string_value = json.dumps(recorded, sort_keys=True)
    return recorded


def recorded_files(artifact: pb.Artifact) -> FileRecords | None:
    """The record of an artifact's files; None where there is none, as of artifacts that a stock TFX runner made."""
    text = properties_of(artifact).get(FILES_PROPERTY)
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if is_file_records(found) else None


def find_artifact_damage(artifact: pb.Artifact, by_content: bool = True) -> list[str]:
    """How an artifact's files differ from their record; empty if they do not, if none is on record, or if collected.

    Args:
        artifact: as ML Metadata has it.
        by_content: compare contents; otherwise sizes alone, except of models.
    """
    recorded = recorded_files(artifact)
    if recorded is None or artifact.state in COLLECTED_STATES:
        return []
    by_content = by_content or artifact.type in _ALWAYS_BY_CONTENT
    if not is_uri(artifact.uri):
        return find_damage(Path(artifact.uri), recorded, by_content)
    found = _record_remote(artifact.uri)
    return [f"{name} differs" for name in sorted({*found, *recorded}) if found.get(name) != recorded.get(name)]


def describe_damage(artifact: pb.Artifact, damage: Iterable[str]) -> str:
    """One sentence that names a damaged artifact and what is wrong with it."""
    found = list(damage)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"the {artifact.type} {artifact.uri} (artifact {artifact.id}) is damaged: {found[0]}{more}"


def _record_remote(uri: str) -> dict[str, dict[str, Any]]:
    """The record of the files below a URI; TFX's filesystems tell no sizes, so every file is read."""
    from tfx.dsl.io import fileio

    paths = [f"{folder}/{name}" for folder, _, names in fileio.walk(uri) for name in names]
    recorded = {}
    for path in sorted(paths):
        name = path[len(uri) :].strip("/")
        if any(part.startswith(".") for part in name.split("/")):
            continue
        digest, size = hashlib.sha256(), 0
        with fileio.open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
        recorded[name] = {"size": size, "sha256": digest.hexdigest()}
    return recorded
