"""Read small text files safely, write files atomically, and create private folders."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

_STALE_TEMPORARY_AGE_S = 60.0
_NON_FILE_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def read_small_text(path: Path, max_mb: int) -> str:
    """Return the text of a UTF-8 file, without a byte-order mark. Pipes and devices, which could block, are not opened.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is no regular file, too large or not UTF-8; the message says which.
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
    """Write a file so that readers see either the old content or the new, never a part.

    The new content is written beside the file first, as `.NAME.PID`. Such files of killed processes are removed.

    Raises:
        OSError: the file cannot be written; its old content stays.
    """
    _remove_stale_temporaries(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, UnicodeError):
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    with contextlib.suppress(OSError):  # not supported by some filesystems, which write the name a little later
        fsync_folder(path.parent)


def _remove_stale_temporaries(path: Path) -> None:
    """Remove the `.NAME.PID` of processes that do not run any more; one of another machine is a moment old at most."""
    prefix = f".{path.name}."
    with contextlib.suppress(OSError):
        for entry in os.scandir(path.parent):
            pid = entry.name[len(prefix) :]
            is_temporary = entry.name.startswith(prefix) and pid.isascii() and pid.isdigit()
            if is_temporary and not Path(f"/proc/{pid}").exists() and _age_s(entry) > _STALE_TEMPORARY_AGE_S:
                Path(entry.path).unlink()


def _age_s(entry: os.DirEntry[str]) -> float:
    return time.time() - entry.stat().st_mtime


def fsync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


_NO_SHARED_WRITE_UMASK = 0o022
_PRIVATE_FOLDER_MODE = 0o750


def restrict_umask() -> None:
    """Make new files of this process and its children writable by their owner only; keep a stricter umask."""
    os.umask(os.umask(0o077) | _NO_SHARED_WRITE_UMASK)


def make_private_folder(folder: Path) -> None:
    """Create a folder and its parents; only owner and group may enter it. An existing folder is not changed.

    Raises:
        OSError: it cannot be created.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(_PRIVATE_FOLDER_MODE, exist_ok=True)
