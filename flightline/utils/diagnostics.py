"""The TFX and Python versions of this process, and explanations of errors of the machine and the metadata store."""

from __future__ import annotations

import errno
import platform
import re
from collections.abc import Iterator
from importlib.metadata import version

from flightline.errors import RESUME_HINT, FlightlineError, StepFailed, UsageError, summarize_error

_PERMISSION_ERRORS = {errno.EACCES, errno.EPERM}
_PATH_IN_MESSAGE = re.compile(r"(/[\w./-]+); ")  # as TensorFlow writes it: "/path/to/file; No space left on device"
_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file has grown larger than this process may write",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk fails",
}
# What libraries written in C++ say of the same errors, without a number.
_DISK_MESSAGES = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    "Input/output error": errno.EIO,
}
_DISK_FIX = f"free space or repair the disk; then {RESUME_HINT}"
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
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _DISK_ERRORS:
            place = f" ({cause.filename})" if cause.filename else ""
            return StepFailed(f"{_DISK_ERRORS[cause.errno]}{place}", _DISK_FIX)
    return diagnose_text(str(error)) or next(filter(None, (diagnose_text(str(cause)) for cause in causes)), None)


def diagnose_text(text: str) -> StepFailed | None:
    """As `diagnose`, from the message alone: of a library in C++, or of a worker on another machine."""
    number = next((number for words, number in _DISK_MESSAGES.items() if words in text), None)
    if number is not None:
        place = next(iter(_PATH_IN_MESSAGE.findall(text)), "")
        return StepFailed(f"{_DISK_ERRORS[number]}{f' ({place})' if place else ''}", _DISK_FIX)
    for words, problem, fix in _STORE_ERRORS:
        if words in text:
            return StepFailed(f"the metadata store {problem}", fix)
    return None


def explain_os_error(error: OSError) -> FlightlineError:
    """Return an explanation of an error of the system, such as a file of another user."""
    place = f"{error.filename}: " if error.filename else ""
    known = diagnose(error)
    if known is not None:
        return known
    fix = "run this as the user who owns the file, or fix its permissions" if error.errno in _PERMISSION_ERRORS else ""
    return UsageError(f"{place}{error.strerror or summarize_error(error)}", fix)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
