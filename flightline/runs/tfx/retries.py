"""Trying a step again where trying again may help, and ending one that takes too long. TFX ignores its own settings."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from flightline.config.steps import StepsConfig
from flightline.errors import FlightlineError, StepFailed, summarize_error

Result = TypeVar("Result")
_MAX_BACKOFF_S = 300.0
# What engines, stores and networks say of a fault that passes. Everything else is ours or the user's, and stays.
_TRANSIENT_ERRORS = (
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
_LOST_INTERRUPT_MARKER = "REPLACED BY KeyboardInterrupt"


class StepTimedOut(StepFailed):
    """A step took longer than it may."""


def run_with_retries(
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
    retries, timeout_s = settings.limits_for(node)
    attempt = 1
    while True:
        try:
            with time_limit(node, timeout_s):
                return step(), attempt
        except Exception as error:
            if _LOST_INTERRUPT_MARKER in str(error):
                raise KeyboardInterrupt from error
            if attempt > retries or not is_transient(error):
                raise
            wait = min(settings.backoff_s * 2 ** (attempt - 1), _MAX_BACKOFF_S)
            say(f"{node} failed: {summarize_error(error, 160)}; trying again in {wait:g} s ({attempt} of {retries})")
            sleep(wait)
            attempt += 1


def is_transient(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is of a kind that passes."""
    while error is not None:
        if isinstance(error, FlightlineError):
            return False
        if isinstance(error, ConnectionError) or any(words in str(error) for words in _TRANSIENT_ERRORS):
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
        f"{node} took longer than its {seconds:g} s", f"raise steps.overrides.{node}.timeout_s, or give it less to do"
    )
    timer_fired = []

    def end(*_: object) -> None:
        timer_fired.append(True)
        raise late

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception as error:
        if timer_fired and error is not late:  # C++ and libraries that catch it make another error of it
            raise late from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
