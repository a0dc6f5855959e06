"""Every way a run can fail, each with its exit code.

    FlightlineError          1  base class
    ├── StepFailed           1  a component failed, or never ran
    │   └── ArtifactDamaged  1  files of an artifact or a release are not those that were recorded
    ├── UsageError           2  the options, the config or the input are wrong
    │   ├── ConfigError      2  a config key has a wrong value
    │   └── InputError       2  the data or a file cannot be read
    ├── DataBlocked          3  the data gate stopped the run
    ├── NotBlessed           4  the model was not blessed; nothing was released
    ├── AlertFiring          5  monitoring raised a critical alert
    ├── PrivateApiChanged    1  an installed library lacks a name that Flightline uses
    └── Interrupted        130  the run was interrupted: Ctrl-C or SIGTERM

An error says what is wrong, where, and how to fix it. It is shown as one line; its traceback goes to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

_MAX_MESSAGE_CHARS, _MAX_NAME_CHARS = 1000, 60  # longest message and longest name shown
EXIT_OK = 0
RESUME_HINT = "--resume continues after the finished steps"  # the fix for a failure that the run did not cause


_TRACEBACK_HEADER = "Traceback (most recent call last)"
_ERROR_LINE = re.compile(r"([\w.]+: |[\w.]+(Error|Exception)\b)")

# What may hold a secret in a text: addresses such as scheme://user:password@host, https://token@host,
# user:password@host:port and ?token=... The config refuses them, since each run stores its config; errors mask them.
MASK = "***"
# A port is no password: http://host:80/a@b has no credentials. abfss://container@account is an ordinary address.
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/?#@'\"]*:(?!\d{1,5}(?:[/?#]|$))[^\s'\"]*@")
_URL_TOKEN = re.compile(r"(?<=http://|ttps://)[^\s/?#@:'\"]+@")
_BARE_PASSWORD = re.compile(r"(?<![\w/:.-])[\w.+-]+:[^\s@/'\"]+@(?=[\w.\[\]-]+:\d+)")
_QUERY_SECRET = re.compile(
    r"([?&;#](?:[\w-]*(?:token|secret|signature|credential|password|passwd|api[_-]?key)|key|sig|pwd|auth|code)=)[^&\s'\"]+",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential|access[._-]?key|api[._-]?key", re.IGNORECASE)
_NAME_OF_PLACE = re.compile(r"[._-]?(env|file|path|dir|provider|class|enabled)$", re.IGNORECASE)


class FlightlineError(Exception):
    """Base class of all Flightline errors.

    Attributes:
        problem: what is wrong and where; one sentence without a full stop.
        fix: what the reader can do about it.
        recorded_reason: the failure reason stored in ML Metadata, where that is more than the message.
    """

    exit_code = 1

    def __init__(self, problem: str, fix: str = "", recorded_reason: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.recorded_reason = recorded_reason

    def __str__(self) -> str:
        """Return one line, even for a message of several: it is the last line on stderr."""
        return "; ".join(_printable_line(part) for part in (self.problem, self.fix) if part)


def _printable_line(text: str) -> str:
    """Shorten a text, and escape control characters."""
    text = _truncate(
        mask_credentials(" ".join(text.split()))
    )  # before escaping, which makes it longer, and again afterwards
    return _truncate("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


def _truncate(text: str) -> str:
    return (
        text
        if len(text) <= _MAX_MESSAGE_CHARS
        else f"{text[: _MAX_MESSAGE_CHARS // 2]} … {text[-_MAX_MESSAGE_CHARS // 2 :]}"
    )


def format_names(names: Iterable[str], limit: int = 20) -> str:
    """Join names for a message: the first `limit`, long ones shortened, and the number of the others."""
    names = list(names)
    shown = [name if len(name) <= _MAX_NAME_CHARS else f"{name[:_MAX_NAME_CHARS]}…" for name in names[:limit]]
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(shown) + more


class StepFailed(FlightlineError):
    """A component failed, or never ran."""

    exit_code = 1


class ArtifactDamaged(StepFailed):
    """Files of an artifact or a release are not those that were recorded."""


class UsageError(FlightlineError):
    """The options, the config or the input are wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A config key has a wrong value."""


class InputError(UsageError, ValueError):
    """The data or a file cannot be read."""


class DataBlocked(FlightlineError):
    """The data gate stopped the run: no model was trained on this data."""

    exit_code = 3


class NotBlessed(FlightlineError):
    """The model was not blessed: nothing was released."""

    exit_code = 4


class AlertFiring(FlightlineError):
    """Monitoring raised a critical alert."""

    exit_code = 5


class PrivateApiChanged(FlightlineError):
    """An installed library lacks a private name that Flightline uses."""

    exit_code = 1


class Interrupted(FlightlineError):
    """The run was interrupted: Ctrl-C or SIGTERM."""

    exit_code = 130


for _error in (
    FlightlineError,
    StepFailed,
    ArtifactDamaged,
    UsageError,
    ConfigError,
    InputError,
    DataBlocked,
    NotBlessed,
    AlertFiring,
    PrivateApiChanged,
    Interrupted,
):
    _error.__module__ = "flightline"  # where users import them from


def print_error(stream: TextIO, error: FlightlineError, log_file: Path | None = None) -> None:
    """Print the last line of a failed command: what is wrong, where, how to fix it, and the log file."""
    where = f"; log: {log_file}" if log_file else ""
    stream.write(f"flightline: {error}{where}\n")
    stream.flush()


def summarize_error(error: BaseException, limit: int = 300) -> str:
    """Return `Type: message` of an error in one line of at most `limit` characters."""
    text = str(error) if isinstance(error, FlightlineError) else f"{type(error).__name__}: {error}"
    if _TRACEBACK_HEADER in text:  # from a remote worker; its last line has the error
        text = next(line for line in reversed(text.splitlines()) if _ERROR_LINE.match(line))
    text = mask_credentials(" ".join(text.split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def mask_credentials(text: str) -> str:
    """Return the text with every password and token of an address replaced by `***`."""
    text = _URL_PASSWORD.sub(f"{MASK}@", text)
    text = _URL_TOKEN.sub(f"{MASK}@", text)
    text = _BARE_PASSWORD.sub(f"{MASK}@", text)
    return _QUERY_SECRET.sub(rf"\g<1>{MASK}", text)


def has_credentials(text: str) -> bool:
    """Whether an address in the text contains a password or a token."""
    return mask_credentials(text) != text


def is_secret_name(name: str) -> bool:
    """Whether an option or property of this name has a secret as its value."""
    return _SECRET_NAME.search(name) is not None and _NAME_OF_PLACE.search(name) is None
