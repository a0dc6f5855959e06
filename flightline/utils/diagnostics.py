"""The TFX and Python versions of this process, and explanations of errors of the machine and the metadata store."""

from __future__ import annotations

import errno
import platform
from importlib.metadata import version

from flightline.errors import RESUME_HINT, StepFailed

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file has grown larger than this process may write",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk fails",
}
_SERVER_UNREACHABLE = ("does not answer", f"check that its server runs and is reachable; then {RESUME_HINT}")
_STORE_ERRORS = (
    ("database is locked", "is locked by another program", f"stop the program that has it open; then {RESUME_HINT}"),
    # ML Metadata's error for a locked database, after retrying for half a minute.
    (
        "Concurrent writes aborted",
        "is locked by another program",
        f"stop the program that has it open; then {RESUME_HINT}",
    ),
    ("MySQL server has gone away", *_SERVER_UNREACHABLE),
    ("Lost connection to MySQL server", *_SERVER_UNREACHABLE),
    ("mysql_real_connect failed", *_SERVER_UNREACHABLE),
    (
        "Out of range value for column 'int_value'",
        "cannot store integers above 2,147,483,647 on a server",
        "use sqlite",
    ),
    (
        "disk image is malformed",
        "is damaged",
        "restore workspace/metadata.db from a backup, or move it away, then `flightline recover`",
    ),
    ("database or disk is full", "cannot be written: the disk is full", f"free disk space; then {RESUME_HINT}"),
    ("readonly database", "is read-only", f"fix its permissions; then {RESUME_HINT}"),
)


def describe_versions() -> str:
    """Return the versions of TFX and Python in words."""
    return f"TFX {version('tfx')} on Python {platform.python_version()}"


def diagnose(error: BaseException) -> StepFailed | None:
    """Return an explanation of an error of the disk or the metadata store; None for any other error."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        place = f" ({error.filename})" if error.filename else ""
        return StepFailed(f"{_DISK_ERRORS[error.errno]}{place}", f"free space or repair the disk; then {RESUME_HINT}")
    for words, problem, fix in _STORE_ERRORS:
        if words in text:
            return StepFailed(f"the metadata store {problem}", fix)
    return None
