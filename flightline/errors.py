"""Every way a run can end short of done, each with its exit code.

    FlightlineError          1  something failed
    ├── StepFailed           1  a component failed, or never ran
    ├── UsageError           2  what was asked cannot be done
    │   ├── ConfigError      2  the config is wrong: which key, and what would be right
    │   └── InputError       2  the data or a file cannot be read
    ├── DataBlocked          3  the data gate stopped the run
    ├── NotBlessed           4  the model was not blessed; nothing was released
    ├── AlertFiring          5  monitoring found what is critical
    ├── PrivateApiChanged    1  an installed library lacks a name that Flightline uses
    └── Interrupted        130  somebody ended the run: Ctrl-C or SIGTERM

An error says what is wrong, where, and what to do; it is shown as one line, its traceback goes to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

_MAX_MESSAGE_CHARS, _MAX_NAME_CHARS = 1000, 60  # characters of a message's half, and of a name in it
EXIT_OK = 0
RESUME_HINT = "--resume goes on from the steps that were finished"  # what to do about an error that is not the run's


_TRACEBACK_HEADER = "Traceback (most recent call last)"
_ERROR_LINE = re.compile(r"([\w.]+: |[\w.]+(Error|Exception)\b)")


class FlightlineError(Exception):
    """The base of all of ours.

    Attributes:
        what: what is wrong and where, one sentence without a full stop.
        todo: what the reader can do about it.
        record: what the execution's record keeps as its reason, where that is more than the message.
    """

    exit_code = 1

    def __init__(self, what: str, todo: str = "", record: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo
        self.record = record

    def __str__(self) -> str:
        """One line, whatever the message held: it is the last line on stderr."""
        return "; ".join(_printable_line(part) for part in (self.what, self.todo) if part)


def _printable_line(text: str) -> str:
    """No longer than a person would read, and nothing in it that a terminal would obey."""
    text = _truncate(" ".join(text.split()))  # before what is unprintable is spelt out, and again after it
    return _truncate("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


def _truncate(text: str) -> str:
    return (
        text
        if len(text) <= _MAX_MESSAGE_CHARS
        else f"{text[: _MAX_MESSAGE_CHARS // 2]} … {text[-_MAX_MESSAGE_CHARS // 2 :]}"
    )


def format_names(names: Iterable[str], most: int = 20) -> str:
    """Names for a message: the first of them, cut where they are long, and how many more there are."""
    known = list(names)
    shown = [name if len(name) <= _MAX_NAME_CHARS else f"{name[:_MAX_NAME_CHARS]}…" for name in known[:most]]
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(shown) + more


class StepFailed(FlightlineError):
    """A component failed, or has no record of having run."""

    exit_code = 1


class UsageError(FlightlineError):
    """What was asked cannot be done: wrong options, config or input."""

    exit_code = 2


class ConfigError(UsageError):
    """The config is wrong."""


class InputError(UsageError, ValueError):
    """An input cannot be read as what it should be."""


class DataBlocked(FlightlineError):
    """The data gate stopped the run: nothing was trained on these data."""

    exit_code = 3


class NotBlessed(FlightlineError):
    """The model did not pass: nothing was released."""

    exit_code = 4


class AlertFiring(FlightlineError):
    """Monitoring has run, and a critical alert is raised."""

    exit_code = 5


class PrivateApiChanged(FlightlineError):
    """An installed library lacks a private name that Flightline uses."""

    exit_code = 1


class Interrupted(FlightlineError):
    """Somebody ended the run: Ctrl-C or SIGTERM."""

    exit_code = 130


for _error in (
    FlightlineError,
    StepFailed,
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
    """Ends a failed command: what is wrong, where, and what to do, in one line."""
    where = f"; log: {log_file}" if log_file else ""
    stream.write(f"flightline: {error}{where}\n")
    stream.flush()


def summarize_error(error: BaseException, limit: int = 300) -> str:
    """`Kind: message` of an error, cut to a readable length."""
    text = str(error) if isinstance(error, FlightlineError) else f"{type(error).__name__}: {error}"
    if _TRACEBACK_HEADER in text:  # of a worker elsewhere; how it ends is what happened
        text = next(line for line in reversed(text.splitlines()) if _ERROR_LINE.match(line))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
