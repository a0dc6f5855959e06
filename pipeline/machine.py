"""What stack this machine has, and what is wrong with it, told from errors that only their libraries understand."""

from __future__ import annotations

import errno
import platform
from importlib.metadata import version

from pipeline.errors import GO_ON, StepFailed

_OF_THE_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file has grown larger than this process may write",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk fails",
}
_NO_ANSWER = ("does not answer", f"see that its server runs and can be reached; then {GO_ON}")
_OF_THE_STORE = (
    ("database is locked", "is locked by another program", f"end what has it open; then {GO_ON}"),
    # What ML Metadata makes of a lock, after half a minute of trying.
    ("Concurrent writes aborted", "is locked by another program", f"end what has it open; then {GO_ON}"),
    ("MySQL server has gone away", *_NO_ANSWER),
    ("Lost connection to MySQL server", *_NO_ANSWER),
    ("mysql_real_connect failed", *_NO_ANSWER),
    (
        "Out of range value for column 'int_value'",
        "takes no integer beyond 2,147,483,647 on a server",
        "use sqlite",
    ),
    ("disk image is malformed", "is damaged", "restore workspace/metadata.db from a backup, or move it away"),
    ("database or disk is full", "cannot be written: the disk is full", f"make room; then {GO_ON}"),
    ("readonly database", "is read-only", f"mend its permissions; then {GO_ON}"),
)


def which_stack() -> str:
    """The TFX and the Python of this process, as people say them."""
    return f"TFX {version('tfx')} on Python {platform.python_version()}"


def known(error: BaseException) -> StepFailed | None:
    """What is wrong with the machine, where an error says so in words that only its library understands."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        place = f" ({error.filename})" if error.filename else ""
        return StepFailed(f"{_OF_THE_DISK[error.errno]}{place}", f"make room or mend it; then {GO_ON}")
    for words, what, todo in _OF_THE_STORE:
        if words in text:
            return StepFailed(f"the metadata store {what}", todo)
    return None
