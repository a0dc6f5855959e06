"""Records of the files in a folder, and the comparison of a folder with its record.

Uses the standard library alone: the server checks a release with it before it loads the model, and every other room
records and checks artifacts and releases with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FileRecords = Mapping[str, Mapping[str, Any]]  # name relative to the folder → {"size": bytes, "sha256": hex}
RELEASE_FILES_KEY = "files"  # of release.json: the record of the release's files
# In a release's folder, but no part of the model: they are written after it was released, or by other servers.
UNRECORDED_RELEASE_FILES = {"release.json", "withdrawn.json", "model-settings.json"}
_BLOCK_BYTES = 1 << 20
# (path, inode, size, times) → SHA-256. Steps of one run read the same files; the change time cannot be set back.
_known_digests: dict[tuple[str, int, int, int, int], str] = {}


def list_files(folder: Path) -> dict[str, Path]:
    """Name relative to `folder` → path of each file, without hidden ones; a single file has the name ``""``."""
    if folder.is_file():
        return {"": folder}
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent) / name for name in names if not name.startswith(".")]
        found |= {path.relative_to(folder).as_posix(): path for path in paths}
    return dict(sorted(found.items()))


def record_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size in bytes and SHA-256 of each file below a folder.

    Raises:
        OSError: a file cannot be read.
    """
    return {name: {"size": path.stat().st_size, "sha256": hash_file(path)} for name, path in list_files(folder).items()}


def find_damage(folder: Path, recorded: FileRecords, digests: bool = True, ignored: Iterable[str] = ()) -> list[str]:
    """How the files below a folder differ from their record: `NAME is missing`, ...; empty if they do not.

    Args:
        digests: compare contents; otherwise names and sizes alone.
        ignored: names of files that need no record.
    """
    files = {name: path for name, path in list_files(folder).items() if name in recorded or name not in set(ignored)}
    missing = [f"{name or folder.name} is missing" for name in recorded if name not in files]
    added = [f"{name or folder.name} was added" for name in files if name not in recorded]
    changed = [
        f"{name or folder.name} {problem}"
        for name, path in files.items()
        if name in recorded and (problem := _compare_file(path, recorded[name], digests))
    ]
    return [*missing, *changed, *added]


def find_release_damage(folder: Path, metadata: Mapping[str, Any]) -> list[str]:
    """How the files of a release differ from the record in its release.json; empty if they do not.

    Args:
        folder: the release's folder.
        metadata: the content of its release.json.
    """
    recorded: Any = metadata.get(RELEASE_FILES_KEY)
    if not is_file_records(recorded):
        return [f"release.json has no valid record of its files (`{RELEASE_FILES_KEY}`)"]
    return find_damage(folder, recorded, ignored=UNRECORDED_RELEASE_FILES)


def is_file_records(value: Any) -> bool:
    """Whether a value that was read from JSON is a record of files."""
    return isinstance(value, dict) and all(
        isinstance(entry, dict) and isinstance(entry.get("size"), int) and isinstance(entry.get("sha256"), str)
        for entry in value.values()
    )


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks; known without reading it again if this process has hashed it already.

    Raises:
        OSError: the file cannot be read.
    """
    status = path.stat()
    key = (str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if key not in _known_digests:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        _known_digests[key] = digest.hexdigest()
    return _known_digests[key]


def _compare_file(path: Path, recorded: Mapping[str, Any], digests: bool) -> str:
    """How a file differs from its record; empty if it does not."""
    try:
        size = path.stat().st_size
        if size != recorded["size"]:
            return f"has {size:,} bytes, recorded were {recorded['size']:,}"
        if digests and hash_file(path) != recorded["sha256"]:
            return "has another content than recorded"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return ""
