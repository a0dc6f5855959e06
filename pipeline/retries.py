"""Trying a step again where trying again may help, and ending one that takes too long. TFX ignores its own settings."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import FlightlineError, StepFailed, in_one_line

Result = TypeVar("Result")
Retries = Annotated[int, Field(ge=0, le=10)]
Seconds = Annotated[float, Field(gt=0)]
_LONGEST_WAIT_S = 300.0
# What engines, stores and networks say of a fault that passes. Everything else is ours or the user's, and stays.
_PASSING = (
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "database is locked",
    "Concurrent writes aborted",
    "Connection reset",
    "Connection refused",
    "Broken pipe",
    "503 Service Unavailable",
    "429 Too Many Requests",
    "Lost connection to MySQL server",
)
# How pybind11 tells of a Ctrl-C that came while it made a C++ error one of Python's: as a RuntimeError.
_LOST_INTERRUPT = "REPLACED BY KeyboardInterrupt"


class StepLimits(BaseModel):
    """What one step may take, where it is not what all may."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retries: Retries | None = Field(None, description="how often to try again after a fault that passes")
    timeout_s: Seconds | None = Field(None, description="how long one try may take, in seconds")


class StepsConfig(BaseModel):
    """The `steps:` section: how often a step is tried, and how long it may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retries: Retries = Field(2, description="how often a step is tried again after a fault of an engine or a store")
    backoff_s: Annotated[float, Field(ge=0)] = Field(2.0, description="wait before the first; twice as long each time")
    timeout_s: Seconds | None = Field(None, description="how long one try of a step may take, in seconds")
    each: dict[str, StepLimits] = Field(default={}, description="node → what is otherwise for it")

    def of(self, node: str) -> tuple[int, float | None]:
        """(retries, seconds for each try) of a node."""
        own = self.each.get(node, StepLimits())
        retries = self.retries if own.retries is None else own.retries
        return retries, self.timeout_s if own.timeout_s is None else own.timeout_s


class StepTimedOut(StepFailed):
    """A step took longer than it may."""


def tried(
    settings: StepsConfig,
    node: str,
    step: Callable[[], Result],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Result, int]:
    """What `step` returns, and at which try.

    Args:
        say: is told of each failure that is followed by another try.

    Raises:
        StepTimedOut: it took too long; that is not tried again.
        Exception: what the last try raised.
    """
    retries, timeout_s = settings.of(node)
    attempt = 1
    while True:
        try:
            with time_limit(node, timeout_s):
                return step(), attempt
        except Exception as error:
            if _LOST_INTERRUPT in str(error):
                raise KeyboardInterrupt from error
            if attempt > retries or not passes(error):
                raise
            wait = min(settings.backoff_s * 2 ** (attempt - 1), _LONGEST_WAIT_S)
            say(f"{node} failed: {in_one_line(error, 160)}; trying again in {wait:g} s ({attempt} of {retries})")
            sleep(wait)
            attempt += 1


def passes(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is of a kind that passes."""
    while error is not None:
        if isinstance(error, FlightlineError):
            return False
        if isinstance(error, ConnectionError) or any(words in str(error) for words in _PASSING):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def time_limit(node: str, seconds: float | None) -> Iterator[None]:
    """Ends what is done within, in this thread, by raising StepTimedOut.

    By a signal, which Python answers between two of its own instructions: a call into C++ is first carried to its end.
    Where there is no main thread to interrupt, nothing is limited.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    late = StepTimedOut(
        f"{node} took longer than its {seconds:g} s", f"raise steps.each.{node}.timeout_s, or give it less to do"
    )
    struck = []

    def end(*_: object) -> None:
        struck.append(True)
        raise late

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception as error:
        if struck and error is not late:  # C++ and libraries that catch it make another error of it
            raise late from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
