"""Reading a small text file that somebody wrote: a plain file, of a bounded size, in UTF-8; or one clear reason."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_NON_FILE_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def read_small_text(path: Path, max_mb: int) -> str:
    """The text of a file, without a byte-order mark. A pipe is refused before it could keep us waiting.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: whatever else speaks against it, in words.
    """
    try:
        mode = path.stat().st_mode
        for is_kind, words in _NON_FILE_KINDS:
            if is_kind(mode):
                raise OSError(f"{words}, not a file")
        with path.open("rb") as file:
            content = file.read((max_mb << 20) + 1)
        if len(content) > max_mb << 20:
            raise OSError(f"it is larger than {max_mb} MB")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise OSError(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except ValueError as error:  # a path with a NUL
        raise OSError(str(error)) from error


def atomic_write(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    with contextlib.suppress(OSError):  # some filesystems cannot: the name comes to disk a little later there
        fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Has the names in a folder on disk when it returns."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


_NO_SHARED_WRITE_UMASK = 0o022


_PRIVATE_FOLDER_MODE = 0o750


def restrict_umask() -> None:
    """From now on this process and its children make nothing that group or others may write; a stricter umask stays."""
    os.umask(os.umask(0o077) | _NO_SHARED_WRITE_UMASK)


def make_private_folder(folder: Path) -> None:
    """Makes a folder, with its parents, that only its owner and group may enter; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(_PRIVATE_FOLDER_MODE, exist_ok=True)
