"""Reads files as decompressed bytes, from any file system and with any supported compression."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from flightline.errors import InputError

Opener = Callable[[str], BinaryIO]
"""Opens a path for reading raw bytes; raises OSError when it can't."""

_CODEC_BY_SUFFIX = {".gz": "gzip", ".zst": "zstd"}


def require_regular_file(path: str) -> None:
    """Refuses a path that exists and is no regular file: reading a pipe without a writer would never end.

    Raises:
        InputError: it is the path is a directory, a pipe or a device, or not a valid name.
    """
    try:
        mode = Path(path).stat().st_mode
    except ValueError as err:  # a NUL in the name
        raise unreadable_error(path, err) from err
    except OSError:  # a URI or a missing file: opening it raises the right error
        return
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise InputError(f"{path}: is {kind}, not a file", "name a file")


def open_local(path: str) -> BinaryIO:
    """The opener for local files."""
    return Path(path).open("rb")


def unreadable_error(path: str, err: Exception) -> InputError:
    """The error to raise when the system, or a decompressor, refuses a file."""
    detail = " ".join(str(err).split()) or type(err).__name__
    return InputError(f"{path}: cannot be read ({detail})", "check that it exists, is complete and may be read")


def read_chunks(path: str, size: int, opener: Opener = open_local) -> Iterator[bytes]:
    """Yields the bytes of a file, decompressed if its name ends in .gz or .zst, at most `size` at a time.

    Raises:
        InputError: the file is missing, forbidden, truncated, or not in the compression that its name states.
    """
    codec = _CODEC_BY_SUFFIX.get(Path(path).suffix.lower())
    try:
        with ExitStack() as stack:
            stream = stack.enter_context(opener(path))
            if codec:
                stream = stack.enter_context(pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec))
            while chunk := stream.read(size):
                yield chunk
    except (OSError, pa.ArrowException) as err:
        raise unreadable_error(path, err) from err
