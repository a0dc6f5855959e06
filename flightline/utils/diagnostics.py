"""What stack this machine has, and what is wrong with it, told from errors that only their libraries understand."""

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
_SERVER_UNREACHABLE = ("does not answer", f"see that its server runs and can be reached; then {RESUME_HINT}")
_STORE_ERRORS = (
    ("database is locked", "is locked by another program", f"end what has it open; then {RESUME_HINT}"),
    # What ML Metadata makes of a lock, after half a minute of trying.
    ("Concurrent writes aborted", "is locked by another program", f"end what has it open; then {RESUME_HINT}"),
    ("MySQL server has gone away", *_SERVER_UNREACHABLE),
    ("Lost connection to MySQL server", *_SERVER_UNREACHABLE),
    ("mysql_real_connect failed", *_SERVER_UNREACHABLE),
    (
        "Out of range value for column 'int_value'",
        "takes no integer beyond 2,147,483,647 on a server",
        "use sqlite",
    ),
    ("disk image is malformed", "is damaged", "restore workspace/metadata.db from a backup, or move it away"),
    ("database or disk is full", "cannot be written: the disk is full", f"make room; then {RESUME_HINT}"),
    ("readonly database", "is read-only", f"mend its permissions; then {RESUME_HINT}"),
)


def describe_versions() -> str:
    """The TFX and the Python of this process, as people say them."""
    return f"TFX {version('tfx')} on Python {platform.python_version()}"


def diagnose(error: BaseException) -> StepFailed | None:
    """What is wrong with the machine, where an error says so in words that only its library understands."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        place = f" ({error.filename})" if error.filename else ""
        return StepFailed(f"{_DISK_ERRORS[error.errno]}{place}", f"make room or mend it; then {RESUME_HINT}")
    for words, what, todo in _STORE_ERRORS:
        if words in text:
            return StepFailed(f"the metadata store {what}", todo)
    return None
