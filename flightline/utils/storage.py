"""Locations of data: a local path, or a URI such as gs://bucket/flights that Beam's filesystems can read."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import AfterValidator, BeforeValidator

from flightline.errors import InputError
from flightline.utils.hashing import file_digest

_URI_PATTERN = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://.+")


def is_uri(location: str) -> bool:
    """Whether a location is a URI; anything else is a local path."""
    return _URI_PATTERN.match(location) is not None


def _path_to_str(location: Any) -> Any:
    return str(location) if isinstance(location, Path) else location


def _normalize_location(location: str) -> str:
    if not location:
        raise ValueError("a location is a path or a URI, not empty")
    return location.rstrip("/") if is_uri(location) else str(Path(location))


Location = Annotated[str, BeforeValidator(_path_to_str), AfterValidator(_normalize_location)]


def absolute_location(location: str) -> str:
    """Return the location for processes with another working directory."""
    return location if is_uri(location) else str(Path(location).resolve())


@dataclass(frozen=True)
class InputFile:
    """An input file.

    Attributes:
        location: its path or URI.
        name: its path relative to the input folder.
        stamp: size and modification time of a remote file; None for a local one.
    """

    location: str
    name: str
    stamp: str | None = None

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the content; for a remote file, which is not downloaded for it, of its stamp. Cached."""
        if self.stamp is None:
            return file_digest(Path(self.location))
        return hashlib.sha256(self.stamp.encode()).hexdigest()

    def open(self) -> BinaryIO:
        """Open the file's raw bytes. Raises OSError if it cannot be opened."""
        if self.stamp is None:
            return Path(self.location).open("rb")
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        return FileSystems.open(self.location, compression_type=CompressionTypes.UNCOMPRESSED)


def find_files(folder: str, glob: str) -> list[InputFile]:
    """Return the files below `folder` that match a glob, sorted by name.

    Raises:
        InputError: the URI's filesystem cannot be read, or the glob is malformed.
    """
    if is_uri(folder):
        return _find_remote_files(folder, glob)
    root = Path(folder)
    try:
        found = sorted(path for path in root.glob(glob) if path.is_file())
    except (OSError, ValueError, NotImplementedError, IndexError) as error:  # `**x`, `.`, an unreadable folder
        raise InputError(f"data: {glob} cannot be searched below {folder}: {error}", "fix data.pattern") from error
    return [InputFile(str(path), str(path.relative_to(root))) for path in found]


def _find_remote_files(folder: str, glob: str) -> list[InputFile]:
    from apache_beam.io.filesystems import FileSystems

    try:
        [match] = FileSystems.match([f"{folder}/{glob}"])
    except Exception as error:  # from the filesystem's client: no client, no credentials, no network
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        fix = "install the filesystem's client (such as apache-beam[gcp]) and its credentials, or use a local path"
        raise InputError(f"data: {folder} cannot be listed: {reason}", fix) from error
    return [
        InputFile(
            found.path, found.path.removeprefix(f"{folder}/"), f"{found.size_in_bytes}@{found.last_updated_in_seconds}"
        )
        for found in sorted(match.metadata_list, key=lambda metadata: metadata.path)
    ]


def data_digest(files: Sequence[InputFile]) -> str:
    """Return a digest of the names and contents of files; it does not depend on their folder."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.digest}\0".encode())
    return digest.hexdigest()
